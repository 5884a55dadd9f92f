import type { ErrorCode } from '../../core/errors/serving-error.js';
import type { CallContext } from './call-context.js';

/** How a call ended. */
export interface CallOutcome {
  readonly code: 'ok' | ErrorCode;
  /** The wire's own number: the gRPC status or the HTTP status. */
  readonly status: number;
}

/** Told once of each call, when it is answered: the transports report here, not through interceptors. */
export abstract class CallObserver {
  abstract finished(call: CallContext, outcome: CallOutcome): void;
}

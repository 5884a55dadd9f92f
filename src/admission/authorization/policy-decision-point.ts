import type { Principal } from '../../core/inference/principal.js';
import type { Wire } from '../../protocol/call/call-context.js';
import type { OperationFamily } from '../../protocol/call/operation.decorator.js';

/** May this caller do this? */
export interface AccessRequest {
  /** `undefined` for an anonymous caller: authentication is off. */
  readonly principal: Principal | undefined;
  readonly action: OperationFamily;
  /** The rpc's path, or the method and route of a REST call. */
  readonly operation: string;
  /** Empty where the call is about no model, or the transport does not know it yet. */
  readonly model: string;
  /** Empty for the model's default version. */
  readonly version: string;
  readonly wire: Wire;
  readonly peer: string;
  readonly requestId: string;
}

export type AccessDecision = 'permit' | 'deny';

/** Decides on each call that is not public. What it throws denies the call, as `unavailable`. */
export abstract class PolicyDecisionPoint {
  abstract decide(request: AccessRequest): AccessDecision | Promise<AccessDecision>;
}

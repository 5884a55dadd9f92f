import { randomUUID } from 'node:crypto';
import type { ExecutionContext } from '@nestjs/common';
import { createParamDecorator } from '@nestjs/common';
import { cancelled, deadlineExceeded } from '../../core/errors/catalogue.js';
import type { CallTimings, InferenceCall } from '../../core/inference/call.js';
import { Departures } from '../../core/inference/departures.js';
import type { Parameters } from '../../core/inference/parameters.js';
import type { ServingError } from '../../core/errors/serving-error.js';
import type { EncodedRequest } from '../../core/inference/request.js';
import type { Principal } from '../../core/inference/principal.js';
import type { OperationFamily } from './operation.decorator.js';
import type { Placed } from './live-set.js';
import { isSaneRequestId } from './request-id.js';

export type Wire = 'grpc' | 'rest';

export interface CallDetails {
  readonly wire: Wire;
  /** The rpc's path, or the method and route of a REST call. */
  readonly operation: string;
  /** The `x-request-id` of the caller, if any. */
  readonly requestId: string | undefined;
  /** The address of the peer, without its port. */
  readonly peer: string;
  readonly userAgent: string;
  /** The first value of a header or metadata key in lower case, or `undefined`. */
  header?(name: string): string | undefined;
  /** Milliseconds since the epoch, or `Infinity`. */
  readonly deadline: number;
  /** Calls the listener once when the client cancels or disconnects before it has its answer. */
  onDisconnect(listener: () => void): void;
}

/** Is told of a call that somebody listens to; tells why it is over already, if it is. */
export interface CallTracker {
  watched(call: CallContext): ServingError | undefined;
}

/** One call over either wire, from its headers to its status. */
export class CallContext implements InferenceCall, Placed {
  place = -1;
  /** Who ends the call when the server does; set while it is active. */
  tracker: CallTracker | undefined;
  /** Set by {@link authenticateCall}, before any guard runs. */
  principal: Principal | undefined;
  /** Why the credentials were refused; a guard throws it where the operation is not public. */
  refusal: ServingError | undefined;
  /** The family of the operation, once a guard has looked at it. */
  family: OperationFamily | undefined;
  /**
   * Set where inferences are charged: called behind the guards with each inference request that the call turns out to
   * carry. Throws where the request may not run now.
   */
  onInference: ((request: EncodedRequest) => void | Promise<void>) | undefined;
  /** Set where headers become parameters: reads those of this call. Throws for one that must not become any. */
  forwarded: (() => Parameters) | undefined;
  /** What was taken for the call is given back here, once, however it ends. */
  onFinish: (() => void) | undefined;
  /** Whether a guard has turned the caller away by a code that says something else. */
  denied = false;
  /** Set by a handler of a family that changes the server, where this call of it changes nothing. */
  onlyLooks = false;
  /** Whether a handler has begun, whose end is then the end of the call. */
  handled = false;
  /** The model that the call turned out to be about; empty for none. */
  model = '';
  version = '';
  readonly timings: CallTimings = { queueNs: 0, computeNs: 0, observed: undefined, execution: undefined };
  readonly startedAt = performance.now();
  private controller: AbortController | undefined;
  private watched: Departures | undefined;
  private timer: NodeJS.Timeout | undefined;
  private finished = false;

  private id: string | undefined;

  constructor(readonly details: CallDetails) {
    if (isSaneRequestId(details.requestId)) this.id = details.requestId;
  }

  /** The id of the call in logs and replies: the caller's where it is sane, else one that is made here. */
  get requestId(): string {
    this.id ??= randomUUID();
    return this.id;
  }

  /** Takes the id of the inference request where the call came without a header of its own. */
  adoptRequestId(id: string): void {
    if (this.id === undefined && isSaneRequestId(id)) this.id = id;
  }

  get deadline(): number {
    return this.details.deadline;
  }

  /** Made on first use: most calls are answered before anyone asks for it. */
  get signal(): AbortSignal {
    this.controller ??= this.makeController();
    return this.controller.signal;
  }

  /** The call is only watched from the first use on. */
  get departures(): Departures {
    if (this.watched !== undefined) return this.watched;
    const departures = new Departures();
    this.watched = departures;
    const over = this.tracker?.watched(this);
    if (over !== undefined) departures.end(over);
    this.details.onDisconnect(() => departures.end(this.expired ? deadlineExceeded() : cancelled()));
    if (this.deadline !== Infinity) {
      const left = Math.min(Math.max(0, this.deadline - Date.now()), LONGEST_TIMER);
      this.timer = setTimeout(() => departures.end(deadlineExceeded()), left);
    }
    return departures;
  }

  /** Gives up the call for a reason of the server's own. */
  abort(reason: ServingError): void {
    this.departures.end(reason);
  }

  private makeController(): AbortController {
    const controller = new AbortController();
    const { departures } = this;
    if (departures.reason !== undefined) controller.abort(departures.reason);
    else departures.add({ handleEvent: () => controller.abort(departures.reason) });
    return controller;
  }

  /** A wire that ends an expired call says only that it is over. Timers are early by up to a millisecond. */
  private get expired(): boolean {
    return Date.now() + 1 >= this.deadline;
  }

  /** Whether the call has ended, so that {@link onFinish} was called. */
  get isOver(): boolean {
    return this.finished;
  }

  /** Ends the call and releases its timer; tells whether this was the first time. */
  finish(): boolean {
    if (this.finished) return false;
    this.finished = true;
    clearTimeout(this.timer);
    this.onFinish?.();
    return true;
  }
}

/** What a timer can hold; a call does not last for the 24 days that this is. */
const LONGEST_TIMER = 2_147_483_647;

const CALL = Symbol('call');

/** Ties a context to the transport's own object: the gRPC call, or the Fastify request. */
export function attachCall(carrier: object, context: CallContext): void {
  (carrier as { [CALL]?: CallContext })[CALL] = context;
}

export const attachedCall = (carrier: object): CallContext | undefined => (carrier as { [CALL]?: CallContext })[CALL];

/** The call that a guard, pipe or handler runs for. */
export function callOf(context: ExecutionContext): CallContext {
  // `switchToHttp` makes three closures each time.
  const call = attachedCall(context.getArgByIndex<object>(context.getType() === 'rpc' ? 2 : 0));
  if (call === undefined) throw new Error('the transport has attached no call context');
  return call;
}

/** Injects the {@link CallContext} into a controller's method. */
export const Call = createParamDecorator((_: unknown, context: ExecutionContext) => callOf(context));

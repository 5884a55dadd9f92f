import type { Execution, ObservedCall, ObservedInference } from './inference-observer.js';
import type { Departures } from './departures.js';
import type { Principal } from './principal.js';

/** How long the parts of one inference took, in nanoseconds; filled in on the way. */
export interface CallTimings {
  queueNs: number;
  computeNs: number;
  /** What is told to the observers, if there are any. */
  observed?: ObservedInference | undefined;
  /** The run that is going on, if there are observers. */
  execution?: Execution | undefined;
}

/** The call that an inference runs for: what the engine needs to know of a wire, and what it reports back. */
export interface InferenceCall extends ObservedCall {
  /** Made by the server where the caller sent none that is sane. */
  readonly requestId: string;
  /** Aborts with a `ServingError` as its reason when the caller is gone or the deadline has passed. */
  readonly signal: AbortSignal;
  /** Tells the same without a signal, where the call can. */
  readonly departures?: Departures | undefined;
  /** Milliseconds since the epoch, or `Infinity`. */
  readonly deadline: number;
  readonly principal: Principal | undefined;
  readonly timings: CallTimings;
}

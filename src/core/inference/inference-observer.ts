import type { InferenceRequest } from './request.js';
import type { InferenceResponse } from './response.js';
import type { ServedModel } from './served-model.js';

/**
 * Told of every inference, whoever asked for it: a wire, a model, a step of an ensemble. Any provider that extends this
 * class is. Must not throw, and must not keep tensors. Where nobody observes, nothing is measured.
 *
 * Moments are milliseconds of `performance.now()`.
 */
export abstract class InferenceObserver {
  /** A request enters the engine; only who needs to know it before it is finished is told. */
  started?(inference: ObservedInference, call: ObservedCall): void;
  /** A model has run once, for one request or a batch of them; those are finished afterwards. */
  abstract executed(execution: Execution): void;
  /** A response of a decoupled model was made, or could not be. */
  abstract responded(response: ObservedResponse): void;
  /** A request has its response, or the last one of them, or has failed. */
  abstract finished(inference: ObservedInference): void;
}

/** The call that brings a request. */
export interface ObservedCall {
  /** The inference whose model made the call, where it handed its context on. */
  readonly outer?: ObservedInference | undefined;
}

/** One run of a model. */
export class Execution {
  /** When the inputs were with the model; `start` where nothing had to be done for that. */
  inputEnd: number;
  /** When the model had answered. */
  outputStart: number;
  /** When the outputs were ready to be given to the callers. */
  end: number;
  failure: Error | undefined;

  /** `rows` of all its requests together; one without a batch dimension counts as 1. */
  constructor(
    readonly model: ServedModel,
    readonly rows: number,
    readonly start: number,
  ) {
    this.inputEnd = start;
    this.outputStart = start;
    this.end = start;
  }
}

/** What became of the place of one response in a stream of them. */
export interface ObservedResponse {
  readonly inference: ObservedInference;
  /** Its position among the responses to its request, from 0. */
  readonly index: number;
  /** `end`: there is no such response, the one before was the last. `cancelled`: the caller was gone. */
  readonly outcome: 'made' | 'end' | 'failed' | 'cancelled';
  /** When the model was asked for it. */
  readonly start: number;
  /** When the model had answered. */
  readonly outputStart: number;
  readonly end: number;
  /** What was made. */
  readonly response: InferenceResponse | undefined;
}

/** One request on its way through the engine. */
export class ObservedInference {
  /** When the model's scheduler got it; 0 where it was refused or answered before. */
  queueStart = 0;
  /** When its caller got the answer. */
  end = 0;
  /** The run that answered it; of several, because a batch failed, the last one. */
  execution: Execution | undefined;
  /** The response; `undefined` for a decoupled model, and for a failure. */
  response: InferenceResponse | undefined;
  failure: Error | undefined;
  /** How it was looked up among the responses that are kept; `undefined` where it was not. */
  cache: 'hit' | 'miss' | undefined;
  /** What looking it up took, and keeping the response after a miss; in milliseconds. */
  cacheMs = 0;

  /** `rows` along the batch dimension; 1 without one. `start` is when it entered the engine. */
  constructor(
    readonly observer: InferenceObserver,
    readonly model: ServedModel,
    /** As the model's scheduler got it; before that, and where it never did, as it came. */
    public request: InferenceRequest,
    readonly rows: number,
    readonly start: number,
  ) {}
}

import type { ParameterValue, Parameters } from './parameters.js';
import type { ObservedInference } from './inference-observer.js';
import type { Principal } from './principal.js';

/** What a model may set on its response besides the outputs. */
export interface ResponseSettings {
  /** Parameters of the response, empty at first. */
  readonly parameters: Map<string, ParameterValue>;
}

/** Ties the calls that a model makes with its context to the inference that it runs for. */
export const OBSERVED = Symbol('observed inference');

/** What a model gets besides its inputs. */
export interface InferContext {
  /** What observers are told of this inference; not for models. */
  readonly [OBSERVED]?: ObservedInference | undefined;
  /** The id of the request; the server makes one for a caller who sent none. */
  readonly id: string;
  /** Aborts when the caller cancels or disconnects, and when the deadline passes; the result is then dropped. */
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch, or `Infinity`. */
  readonly deadline: number;
  readonly parameters: Parameters;
  /** `undefined` where no authenticator is configured. */
  readonly principal: Principal | undefined;
  readonly response: ResponseSettings;
  /** The outputs that the caller wants; absent for all. A model may leave out the others. */
  readonly outputs?: readonly string[] | undefined;
  /** The sequence that the request belongs to; only for a model with `sequence`. */
  readonly sequence?: SequenceContext;
}

/** A sequence of requests, as a model sees it that keeps its state. */
export interface SequenceContext {
  /** The correlation id that the callers chose. */
  readonly id: string | number | bigint;
  /** Whether this request is the first of its sequence. */
  readonly start: boolean;
  /** Whether this request is the last of its sequence. */
  readonly end: boolean;
  /** What the model keeps from one request of the sequence to the next; empty at the start, dropped at the end. */
  readonly state: Map<string, unknown>;
}

/** What a model with `batching` gets besides the merged inputs of several requests. */
export interface BatchContext {
  /** The requests, in the order of their rows; each is told its own id, parameters and principal. */
  readonly requests: readonly BatchedRequest[];
  /** Aborts when no caller is left who waits for the batch. */
  readonly signal: AbortSignal;
}

/** One request of a batch. */
export interface BatchedRequest extends InferContext {
  /** How many rows of the batch are its own. */
  readonly rows: number;
}

/** What goes with the inputs of one run. */
export type RunContext = InferContext | BatchContext;

/** What `load` gets. */
export interface LoadContext {
  readonly name: string;
  readonly version: string;
  /** Aborts when the load is given up: the server stops, or the model is unloaded meanwhile. */
  readonly signal: AbortSignal;
}

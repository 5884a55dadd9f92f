import type { PackedError } from '../../../../core/errors/packed-error.js';
import type { Parameters } from '../../../../core/inference/parameters.js';
import type { Principal } from '../../../../core/inference/principal.js';
import type { NamedSpec } from '../../../../core/model/signature.js';
import type { PackedTensors } from './packed-tensors.js';

/** What the server and a worker thread say to each other. Every message is plain data: it is cloned or moved. */

/** The tasks of a thread, by the names of the functions that do them. */
export interface ThreadTasks {
  start: { request: StartRequest; result: Started };
  infer: { request: RunRequest; result: RunResult };
  open: { request: RunRequest; result: undefined };
  next: { request: undefined; result: RunResult | undefined };
  end: { request: undefined; result: undefined };
  unload: { request: undefined; result: undefined };
}

export type TaskName = keyof ThreadTasks;

/** A task never rejects: what was thrown is told. */
export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: PackedError };

/** Where a thread finds its model. */
export type ThreadSource =
  | { readonly kind: 'class'; readonly module: string }
  | { readonly kind: 'runtime'; readonly module: string; readonly options: unknown };

export interface StartRequest {
  readonly source: ThreadSource;
  readonly name: string;
  readonly version: string;
  readonly flag: SharedArrayBuffer;
  readonly sequence: number;
  /** Whether to measure how long a run on zeros takes. */
  readonly measure: boolean;
}

export interface Started {
  readonly inputs: readonly NamedSpec[];
  readonly outputs: readonly NamedSpec[];
  readonly decoupled: boolean;
  /** How long a run on zeros takes; absent where that was not asked for, or zeros do not suit the model. */
  readonly runNs?: number;
}

export interface RunRequest {
  /** Tells the request apart from earlier ones of the same thread, whose abort may still stand in the flag. */
  readonly sequence: number;
  readonly inputs: PackedTensors;
  /** What is told of the request, or of each request of a batch. */
  readonly requests: readonly RequestFacts[];
  readonly isBatch: boolean;
}

export interface RequestFacts {
  readonly id: string;
  readonly deadline: number;
  readonly parameters: Parameters;
  readonly principal: Principal | undefined;
  /** The rows of a batch that are its own; 0 for a request that runs by itself. */
  readonly rows: number;
}

export interface RunResult {
  /** `undefined` where the model returned no object; `null` for a member of it that is no tensor. */
  readonly outputs: PackedTensors | undefined;
  /** The parameters of each request's response. */
  readonly parameters: readonly Parameters[];
  readonly computeNs: number;
}

import 'reflect-metadata';
import type { ContentTypes } from './content-types.js';
import type { WorkerThreads } from './execution.js';
import type { BatchingOptions, QueueOptions, SequenceOptions } from './scheduling.js';
import type { FitsExecution, FitsSignature } from './provider.js';
import type { Signature } from './signature.js';

/** A model's name on the wire, with a version where several are served side by side. */
export interface ModelIdentity {
  readonly name: string;
  /** Any text; the highest number is the default version. Default: `1`. */
  readonly version?: string;
}

export interface ModelOptions {
  /** Where the model runs. Default: in the thread that serves, which suits what takes no longer than a millisecond. */
  readonly execution?: WorkerThreads;
  /**
   * Merges requests into batches; the signature's shapes start with -1, and `infer` gets a `BatchContext`. Default: each
   * request runs by itself.
   */
  readonly batching?: BatchingOptions;
  /**
   * Requests belong to sequences, those of one run one after the other, and the context carries the sequence with its
   * state. Default: every request stands for itself.
   */
  readonly sequence?: SequenceOptions;
  /** What tensors mean to clients of MLServer; the metadata tells it. Default: their datatypes say all. */
  readonly contentTypes?: ContentTypes;
  /** Whether responses are kept and given again to the same request; such a model sees no principal. Default: false. */
  readonly cache?: boolean;
  /** How requests wait. Default: as many as MODEL_MAX_QUEUE_SIZE, for as long as their callers do. */
  readonly queue?: QueueOptions;
  /**
   * How many requests, or batches, run at a time in the thread that serves. Default: any number, but one batch. With
   * worker threads it is their number that counts.
   */
  readonly instances?: number;
}

/** What {@link Model} records on a class. */
export interface ModelMetadata extends ModelOptions {
  readonly name: string;
  readonly version: string;
  readonly signature: Signature;
}

const MODEL = Symbol('model');

/**
 * Serves a class as a model: add it to the providers of a module, and it answers on both wires.
 *
 * The class has `infer(inputs, context)`, which returns one set of outputs, or `async *stream(inputs, context)`,
 * which yields any number (the protocol's *decoupled* models). Whether it fits the signature is checked by the
 * compiler, at the decorator.
 *
 * With `{ execution: workerThreads({ module: import.meta.url }) }` it runs off the event loop; its constructor then
 * takes nothing.
 *
 * @example
 * const doubler = signature({ inputs: { x: fp32(-1) }, outputs: { y: fp32(-1) } });
 *
 * \@Model('doubler', doubler)
 * export class DoublerModel {
 *   infer({ x }: Inputs<typeof doubler>) {
 *     return { y: x.map((value) => value * 2) };
 *   }
 * }
 */
export function Model<S extends Signature, O extends ModelOptions = object>(
  identity: string | ModelIdentity,
  signature: S,
  options?: O,
) {
  const { name, version = '1' } = typeof identity === 'string' ? { name: identity } : identity;
  if (name.trim() === '') throw new TypeError('@Model needs a name');
  if (version === '') throw new TypeError(`@Model '${name}': a version must not be empty`);
  const metadata: ModelMetadata = { ...options, name, version, signature };
  return <M, A extends readonly unknown[]>(
    target: (new (...args: A) => M) & FitsSignature<M, S, O> & FitsExecution<A, O>,
  ): void => {
    Reflect.defineMetadata(MODEL, metadata, target);
  };
}

/** What {@link Model} recorded on this very class; a subclass does not inherit it. */
export const modelMetadata = (target: object): ModelMetadata | undefined =>
  Reflect.getOwnMetadata(MODEL, target) as ModelMetadata | undefined;

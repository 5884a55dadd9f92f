import type { BatchContext, InferContext, LoadContext, RunContext } from '../inference/context.js';
import type { NamedTensors } from '../tensor/tensor.js';
import type { Inputs, Outputs } from './signature.js';

/** The lifecycle of a model; every method is optional. */
export interface ModelLifecycle {
  /** Prepares the model. It is ready once this returns; what this throws is the reason why it is unavailable. */
  load?(context: LoadContext): void | Promise<void>;
  /** Runs after `load` and before the first request, to fill caches and compile code. */
  warmup?(): void | Promise<void>;
  /** Releases what `load` took; no request runs any more. */
  unload?(): void | Promise<void>;
}

/** A model as the engine runs it, whatever made it: a class behind `@Model`, or a runtime. */
export interface ServableModel extends ModelLifecycle {
  /** The context is that of a batch exactly where the model asked for batching. */
  infer?(inputs: NamedTensors, context: RunContext): NamedTensors | Promise<NamedTensors>;
  stream?(inputs: NamedTensors, context: InferContext): AsyncIterable<NamedTensors> | Iterable<NamedTensors>;
}

/**
 * Why a class does not fit its signature; the compiler shows the key beside the decorator.
 * `unknown` where it fits.
 */
export type FitsSignature<M, S, O = object> = M extends { infer: unknown }
  ? M extends { infer: (inputs: Inputs<S>, context: ContextOf<O>) => infer R }
    ? FitsOutputs<Awaited<R>, S>
    : Misfit<'infer takes inputs that the signature does not give, or another context than its options ask for'>
  : M extends { stream: unknown }
    ? O extends { batching: object } | { sequence: object }
      ? Misfit<'a model that streams can be neither batched nor sequenced: drop the option, or write infer'>
      : M extends { stream: (inputs: Inputs<S>, context: InferContext) => infer R }
        ? R extends AsyncIterable<infer Y> | Iterable<infer Y>
          ? FitsOutputs<Y, S>
          : Misfit<'stream must be a generator of outputs'>
        : Misfit<'stream takes inputs that the signature does not give'>
    : Misfit<'a model has a method infer or stream'>;

/** A batched model sees the requests of its batch. */
export type ContextOf<O> = O extends { batching: object } ? BatchContext : InferContext;

/** Why a class cannot be run where its options say; `unknown` where it can. `A` is what its constructor takes. */
export type FitsExecution<A, O> = O extends { execution: object }
  ? A extends readonly []
    ? unknown
    : Misfit<'the constructor of a pooled model takes nothing: move the dependency into load(), or drop the pool', A>
  : unknown;

type FitsOutputs<R, S> = [R] extends [Outputs<S>]
  ? [Undeclared<R, S>] extends [never]
    ? unknown
    : Misfit<'an output is not in the signature', Undeclared<R, S>>
  : Misfit<'the outputs are not those of the signature', Outputs<S>>;

/** Taken from each member of a union: the keys of a union itself are only those that all its members share. */
type Undeclared<R, S> = R extends unknown ? Exclude<keyof R, keyof Outputs<S>> : never;

interface Misfit<Problem extends string, Detail = never> {
  readonly problem: Problem;
  readonly detail: Detail;
}

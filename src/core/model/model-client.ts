import type { InferContext } from '../inference/context.js';
import type { Parameters } from '../inference/parameters.js';
import type { NamedTensors, Tensor } from '../tensor/tensor.js';
import type { Inputs, NamedSpec, Outputs, Signature } from './signature.js';

/** Names a model; with its signature the tensors of the call are typed, and the outputs checked. */
export interface ModelReference<S extends Signature = Signature> {
  readonly name: string;
  /** Default: the model's default version. */
  readonly version?: string;
  readonly signature?: S;
}

export interface CallOptions {
  readonly parameters?: Parameters;
}

/** What callers need to know of a loaded model. */
export interface ModelDescription {
  readonly inputs: readonly NamedSpec[];
  readonly outputs: readonly NamedSpec[];
  /** How many rows a request has at most along the first dimension; 0 for a model without a batch dimension. */
  readonly maxBatchSize: number;
  /** Whether it gives any number of responses to a request; `infer` refuses such a model. */
  readonly decoupled: boolean;
  /** The models that it calls itself. */
  readonly dependsOn: readonly string[];
}

/**
 * Calls other models of this server, through validation, scheduling and statistics, without a wire.
 *
 * Inject it, and hand your own context on: the called model is aborted with the caller, and runs under the right
 * that the caller was admitted with. Throws the `ServingError` that a remote caller would get.
 *
 * @example
 * const { probabilities } = await this.models.infer({ name: 'digits', signature: digits }, { input }, context);
 */
export abstract class ModelClient {
  abstract infer<S extends Signature>(
    model: ModelReference<S> & { readonly signature: S },
    inputs: Inputs<S>,
    context?: InferContext,
    options?: CallOptions,
  ): Promise<Outputs<S>>;
  abstract infer(
    model: string | (ModelReference & { readonly signature?: never }),
    inputs: NamedTensors,
    context?: InferContext,
    options?: CallOptions,
  ): Promise<Record<string, Tensor>>;

  /** What the version that a call would run on takes and gives; `undefined` while no such version is loaded. */
  abstract describe(model: string | ModelReference): ModelDescription | undefined;
}

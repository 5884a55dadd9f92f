import type { ContentType } from '../model/content-types.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Parameters } from './parameters.js';

export interface OutputTensor {
  readonly name: string;
  readonly tensor: Tensor;
  /** Told to the caller as a parameter of the output. */
  readonly contentType?: ContentType | undefined;
}

/** An output whose contents its caller has already, in shared memory: a reply only tells its datatype and shape. */
export class PlacedOutput implements OutputTensor {
  constructor(
    readonly name: string,
    readonly tensor: Tensor,
  ) {}
}

/** One answer of a model; its outputs stand in the order of the signature. */
export interface InferenceResponse {
  readonly model: string;
  readonly version: string;
  /** The request's id; empty when it had none. */
  readonly id: string;
  readonly parameters: Parameters;
  readonly outputs: readonly OutputTensor[];
}

import type { EncodedTensor } from '../tensor/encoded-tensor.js';
import type { NamedTensors } from '../tensor/tensor.js';
import type { Parameters } from './parameters.js';
import type { RegionSlice, SharedTensors } from './shared-tensors.js';

/** An output that the caller asked for by name. */
export interface RequestedOutput {
  readonly name: string;
  readonly parameters: Parameters;
  /** Where the caller wants its contents instead of in the reply. */
  readonly slice?: RegionSlice | undefined;
}

/** What a caller of a model with content types gets. */
export interface ContentWishes {
  /** Whether the reply tells the content types of its outputs: only to those who have told theirs. */
  readonly isTold: boolean;
}

interface RequestHead {
  readonly model: string;
  /** Empty for the model's default version. */
  readonly version: string;
  /** The caller's id for this inference, echoed in the response; empty for none. */
  readonly id: string;
  readonly parameters: Parameters;
  /** Empty for all outputs. */
  readonly outputs: readonly RequestedOutput[];
}

/** A request as a wire understood it: its tensors are still encoded, and unchecked. */
export interface EncodedRequest extends RequestHead {
  readonly inputs: readonly EncodedTensor[];
  /**
   * The bytes of the model's only input, sent without a name, datatype or shape: these follow from the model.
   * Stands in place of `inputs`, which is then empty. Never left out, so that each request has it as its own.
   */
  readonly rawInput: Uint8Array | undefined;
}

/** A request as a model understands it. */
export interface InferenceRequest extends RequestHead {
  readonly inputs: NamedTensors;
  /** How a caller who uses content types is answered; absent where the model has none. */
  readonly content?: ContentWishes | undefined;
  /** The signature that the inputs were checked against already, at the edge of the server. */
  readonly checkedAgainst?: object;
  /** The tensors that the caller keeps in shared memory; their inputs are not among `inputs` yet. */
  readonly shared?: SharedTensors | undefined;
}

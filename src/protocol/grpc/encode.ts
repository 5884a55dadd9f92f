import type { InferenceResponse } from '../../core/inference/response.js';
import { encodeRaw } from '../../core/tensor/raw.js';
import type { ModelInferResponse } from './messages.js';
import { encodeParameters } from './parameters.js';

/** Writes a ModelInferResponse. Contents are always raw: Triton's clients read no typed numbers. */
export function encodeInferResponse(response: InferenceResponse): ModelInferResponse {
  return {
    model_name: response.model,
    model_version: response.version,
    id: response.id,
    parameters: encodeParameters(response.parameters),
    outputs: response.outputs.map(({ name, tensor: { datatype, shape } }) => ({ name, datatype, shape })),
    raw_output_contents: response.outputs.map(({ tensor }) => encodeRaw(tensor)),
  };
}

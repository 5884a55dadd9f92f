import type { InferenceResponse } from '../../core/inference/response.js';
import { decodeRaw, encodeRaw } from '../../core/tensor/raw.js';
import type { Tensor } from '../../core/tensor/tensor.js';
import type { KeptResponse } from './response-cache.js';

/** The objects around the contents of a response, of one output and of one parameter, roughly. */
const PER_RESPONSE = 512;
const PER_PART = 256;

/** How many bytes a response would take up in a cache, near enough for a budget. */
export function keptBytes({ outputs, parameters }: InferenceResponse): number {
  let bytes = PER_RESPONSE;
  for (const { name, tensor } of outputs) {
    bytes += PER_PART + 2 * name.length + 8 * tensor.shape.length + sizeOf(tensor);
  }
  for (const [name, value] of parameters) {
    bytes += PER_PART + 2 * name.length + (typeof value === 'string' ? 2 * value.length : 0);
  }
  return bytes;
}

function sizeOf({ datatype, data }: Tensor): number {
  if (datatype !== 'BYTES') return (data as Uint8Array).byteLength;
  return (data as readonly Buffer[]).reduce((sum, element) => sum + LENGTH_BYTES + element.byteLength, 0);
}

const LENGTH_BYTES = 4;

/** Copies what a model answered. An output may be a view on the rows of a whole batch: only its own are taken. */
export function keep(response: InferenceResponse): KeptResponse {
  const { model, version, parameters, outputs } = response;
  return {
    model,
    version,
    parameters: [...parameters],
    outputs: outputs.map(({ name, tensor }) => {
      return { name, datatype: tensor.datatype, shape: [...tensor.shape], raw: new Uint8Array(encodeRaw(tensor)) };
    }),
    bytes: keptBytes(response),
  };
}

/** A response of its own for each caller, with the id of the caller's request. */
export function give({ model, version, parameters, outputs }: KeptResponse, id: string): InferenceResponse {
  return {
    model,
    version,
    id,
    parameters: new Map(parameters),
    outputs: outputs.map(({ name, datatype, shape, raw }) => {
      return { name, tensor: decodeRaw(datatype, [...shape], new Uint8Array(raw), { input: name, model }) };
    }),
  };
}

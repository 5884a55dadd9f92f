import { invalidArgument } from '../../core/errors/catalogue.js';
import { inputField, outputField } from '../../core/errors/request-field.js';
import type { EncodedRequest, RequestedOutput } from '../../core/inference/request.js';
import type { RegionSlice } from '../../core/inference/shared-tensors.js';
import type { EncodedContents, EncodedTensor, TypedContents } from '../../core/tensor/encoded-tensor.js';
import { refuseReservedParameters } from '../call/reserved-parameters.js';
import { isSharedMemoryKey, readRegionSlice } from '../call/shared-memory-parameters.js';
import { filledFields } from './codec/typed-contents.js';
import type { InferInputTensor, ModelInferRequest, ParameterMap, RequestedOutputTensor } from './messages.js';
import { decodeParameters } from './parameters.js';

/** Reads a ModelInferRequest; raw contents stay views on the received message. */
export function decodeInferRequest(message: ModelInferRequest): EncodedRequest {
  const model = message.model_name ?? '';
  const inputs = message.inputs ?? [];
  const raw = message.raw_input_contents ?? [];
  let shared = 0;
  const decoded = inputs.map((input, index) => {
    const tensor = decodeInput(input, raw, index - shared, model);
    // An input in shared memory has no entry among the raw contents.
    if (tensor.contents.kind === 'shared') shared++;
    return tensor;
  });
  if (raw.length > inputs.length - shared) {
    throw invalidArgument(
      `raw_input_contents has ${raw.length} entries for ${inputs.length - shared} inputs of model '${model}': give one for each input, in the order of the inputs`,
      'raw_input_contents',
    );
  }
  const parameters = decodeParameters(message.parameters, 'the request');
  refuseReservedParameters(parameters);
  return {
    model,
    version: message.model_version ?? '',
    id: message.id ?? '',
    parameters,
    inputs: decoded,
    outputs: (message.outputs ?? []).map(decodeOutput),
    rawInput: undefined,
  };
}

function decodeOutput({ name = '', parameters: map }: RequestedOutputTensor): RequestedOutput {
  const parameters = decodeParameters(map, `output '${name}'`, map && outputField(name, 'parameters'));
  return { name, parameters, slice: parameters.size === 0 ? undefined : readRegionSlice(parameters, name, 'outputs') };
}

function decodeInput(input: InferInputTensor, raw: readonly Buffer[], index: number, model: string): EncodedTensor {
  const { name = '', datatype = '', shape = [] } = input;
  const fields = input.contents === undefined ? [] : filledFields(input.contents);
  const slice = input.parameters === undefined ? undefined : sliceOf(input.parameters, name);
  if (slice !== undefined) {
    if (fields.length > 0) {
      throw invalidArgument(
        `unexpected 'content' provided when using shared memory for input tensor '${name}' for model '${model}'`,
        inputField(name, 'contents'),
      );
    }
    return { name, datatype, shape: shape.map(Number), contents: { kind: 'shared', slice }, contentType: undefined };
  }
  if (raw.length > 0 && fields.length > 0) {
    throw invalidArgument(
      `contents field must not be specified when using raw_input_contents for '${name}' for model '${model}'`,
      inputField(name, 'contents'),
    );
  }
  const contentType = input.parameters === undefined ? undefined : contentTypeOf(input.parameters);
  return { name, datatype, shape: shape.map(Number), contents: decodeContents(fields, raw[index]), contentType };
}

/** What the caller says of the elements, where it is a text. */
const contentTypeOf = (parameters: ParameterMap): string | undefined =>
  Object.hasOwn(parameters, 'content_type') ? parameters['content_type']?.string_param : undefined;

/** Of the parameters of an input, those alone are read that say where it is. */
function sliceOf(parameters: ParameterMap, name: string): RegionSlice | undefined {
  if (!Object.keys(parameters).some(isSharedMemoryKey)) return undefined;
  return readRegionSlice(
    decodeParameters(parameters, `input '${name}'`, inputField(name, 'parameters')),
    name,
    'inputs',
  );
}

function decodeContents(fields: readonly TypedContents[], raw: Buffer | undefined): EncodedContents {
  if (raw !== undefined) return { kind: 'raw', bytes: raw };
  return fields.length > 0 ? { kind: 'typed', fields } : { kind: 'none' };
}

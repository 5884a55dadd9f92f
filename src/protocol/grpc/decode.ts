import { invalidArgument } from '../../core/errors/catalogue.js';
import type { EncodedRequest } from '../../core/inference/request.js';
import type { TypedField } from '../../core/tensor/datatype.js';
import type { EncodedContents, EncodedTensor, TypedContents } from '../../core/tensor/encoded-tensor.js';
import { refuseReservedParameters } from '../call/reserved-parameters.js';
import type { InferInputTensor, InferTensorContents, ModelInferRequest } from './messages.js';
import { decodeParameters } from './parameters.js';

/** Reads a ModelInferRequest; raw contents stay views on the received message. */
export function decodeInferRequest(message: ModelInferRequest): EncodedRequest {
  const model = message.model_name ?? '';
  const inputs = message.inputs ?? [];
  const raw = message.raw_input_contents ?? [];
  if (raw.length > inputs.length) {
    throw invalidArgument(
      `raw_input_contents has ${raw.length} entries for ${inputs.length} inputs of model '${model}': give one for each input, in the order of the inputs`,
    );
  }
  const parameters = decodeParameters(message.parameters, 'the request');
  refuseReservedParameters(parameters);
  return {
    model,
    version: message.model_version ?? '',
    id: message.id ?? '',
    parameters,
    inputs: inputs.map((input, index) => decodeInput(input, raw, index, model)),
    outputs: (message.outputs ?? []).map(({ name = '', parameters: map }) => ({
      name,
      parameters: decodeParameters(map, `output '${name}'`),
    })),
    rawInput: undefined,
  };
}

function decodeInput(input: InferInputTensor, raw: readonly Buffer[], index: number, model: string): EncodedTensor {
  const { name = '', datatype = '', shape = [] } = input;
  const fields = input.contents === undefined ? [] : filledFields(input.contents);
  if (raw.length > 0 && fields.length > 0) {
    throw invalidArgument(
      `contents field must not be specified when using raw_input_contents for '${name}' for model '${model}'`,
    );
  }
  return { name, datatype, shape: shape.map(Number), contents: decodeContents(fields, raw[index]) };
}

function decodeContents(fields: readonly TypedContents[], raw: Buffer | undefined): EncodedContents {
  if (raw !== undefined) return { kind: 'raw', bytes: raw };
  return fields.length > 0 ? { kind: 'typed', fields } : { kind: 'none' };
}

function filledFields(contents: InferTensorContents): TypedContents[] {
  const fields: TypedContents[] = [];
  for (const [field, values] of Object.entries(contents) as [TypedField, ArrayLike<unknown>][]) {
    if (values.length > 0) fields.push({ field, values });
  }
  return fields;
}

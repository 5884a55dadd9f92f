import { invalidArgument } from '../../../core/errors/catalogue.js';
import type { EncodedRequest, RequestedOutput } from '../../../core/inference/request.js';
import type { Parameters } from '../../../core/inference/parameters.js';
import { refuseReservedParameters } from '../../call/reserved-parameters.js';
import { readRegionSlice } from '../../call/shared-memory-parameters.js';
import { parseInferJson } from '../body/parse-infer-json.js';
import {
  fieldOf,
  type JsonObject,
  readArray,
  readFlag,
  readName,
  readObject,
  readParameters,
  readText,
} from '../body/json-fields.js';
import { BinaryTail, decodeInput } from '../body/decode-input.js';

/** What an inference request over REST consists of. */
export interface InferRequestParts {
  readonly model: string;
  /** Empty for the model's default version. */
  readonly version: string;
  /** The header `Inference-Header-Content-Length`, as it came. */
  readonly headerLength: string | undefined;
  readonly body: Buffer;
}

/**
 * Reads an inference request: JSON, or JSON followed by binary tensor data, or the bytes of the only input alone.
 *
 * Binary data is viewed, not copied. Datatypes, names and sizes are checked later, against the model. Whatever is
 * wrong with the body is `invalid-argument`; unknown keys of the request are ignored, a repeated key counts as its
 * last occurrence.
 */
export function decodeInferRequest(parts: InferRequestParts): EncodedRequest {
  const { model, version, headerLength, body } = parts;
  const jsonLength = jsonLengthOf(parts);
  if (headerLength !== undefined && jsonLength === 0) return rawRequest(parts);
  const json = parseInferJson(body.subarray(0, jsonLength));
  const binary = new BinaryTail(body.subarray(jsonLength), model);
  const request = {
    model,
    version,
    id: readId(json),
    parameters: readRequestParameters(json),
    inputs: readArray(fieldOf(json, 'inputs'), 'inputs', 'the request').map((input) => decodeInput(input, binary)),
    outputs: readOutputs(json),
    rawInput: undefined,
  };
  binary.finish();
  return request;
}

/** How many bytes of the body are JSON. Throws `invalid-argument` for a header that cannot be. */
export const jsonLengthOf = ({ headerLength, body }: InferRequestParts): number =>
  headerLength === undefined ? body.length : readHeaderLength(headerLength, body.length);

/** The header alone says how long the JSON is: 0 stands for a request without any. */
function readHeaderLength(text: string, bodyLength: number): number {
  const length = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (length <= bodyLength) return length;
  throw invalidArgument(`inference header size should be in range (0, ${bodyLength}), got: ${text}`);
}

/** Its shape and name are the model's, and all outputs come back binary. */
const rawRequest = ({ model, version, body }: InferRequestParts): EncodedRequest => ({
  model,
  version,
  id: '',
  parameters: new Map([['binary_data_output', true]]),
  inputs: [],
  outputs: [],
  rawInput: body,
});

function readId(json: JsonObject): string {
  const id = fieldOf(json, 'id');
  return id === undefined ? '' : readText(id, 'id', 'the request');
}

function readRequestParameters(json: JsonObject): Parameters {
  const parameters = readParameters(fieldOf(json, 'parameters'), 'the request');
  refuseReservedParameters(parameters);
  readFlag(parameters, 'binary_data_output', 'the request');
  return parameters;
}

function readOutputs(json: JsonObject): RequestedOutput[] {
  const outputs = fieldOf(json, 'outputs');
  if (outputs === undefined) return [];
  return readArray(outputs, 'outputs', 'the request').map((value) => {
    const output = readObject(value, 'outputs', 'each of the outputs');
    const name = readName(fieldOf(output, 'name'), 'each of the outputs');
    const parameters = readParameters(fieldOf(output, 'parameters'), `output '${name}'`);
    readFlag(parameters, 'binary_data', `output '${name}'`);
    return {
      name,
      parameters,
      slice: parameters.size === 0 ? undefined : readRegionSlice(parameters, name, 'outputs'),
    };
  });
}

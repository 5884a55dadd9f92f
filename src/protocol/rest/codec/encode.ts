import type { Parameters, ParameterValue } from '../../../core/inference/parameters.js';
import type { EncodedRequest } from '../../../core/inference/request.js';
import { type InferenceResponse, type OutputTensor, PlacedOutput } from '../../../core/inference/response.js';
import { encodeJsonData, type NonFinite } from '../../../core/tensor/json-data.js';
import { encodeRaw } from '../../../core/tensor/raw.js';
import { takeBuffer } from '../../large-buffers.js';
import { HEADER_LENGTH_HEADER } from '../request-header.js';

/** Said in full: Fastify adds the charset to a text that has none, but not to a buffer. */
export const JSON_TYPE = 'application/json; charset=utf-8';

/** A reply, ready to be sent. */
export interface EncodedReply {
  readonly headers: Readonly<Record<string, string>>;
  /** A buffer is the caller's, who gives it back once it is sent. */
  readonly body: Buffer | string;
}

/**
 * Writes a response as JSON, with those outputs as binary data behind it that the request wants so.
 *
 * The default `binary_data_output` reaches only outputs that are not listed; a listed one is binary when its own
 * `binary_data` says so. Throws `invalid-argument` for an output that JSON cannot carry (FP16, BF16, bytes that are
 * not UTF-8) and that was not asked for as binary.
 */
export function encodeInferResponse(
  request: Pick<EncodedRequest, 'outputs' | 'parameters'>,
  response: InferenceResponse,
  nonFinite: NonFinite,
): EncodedReply {
  const blobs: Uint8Array[] = [];
  const outputs = response.outputs.map((output) => {
    if (output instanceof PlacedOutput) return encodeOutput(output);
    if (!wantsBinary(request, output.name))
      return encodeOutput(output, `${contentTypeOf(output)}"data":${encodeData(output, nonFinite)}`);
    const bytes = encodeRaw(output.tensor);
    blobs.push(bytes);
    return encodeOutput(output, `"parameters":{${sayContentType(output, ',')}"binary_data_size":${bytes.byteLength}}`);
  });
  const json = `{${[...encodeHead(response, nonFinite), `"outputs":[${outputs.join(',')}]`].join(',')}}`;
  // Empty outputs alone leave the reply plain JSON.
  return blobs.some(({ byteLength }) => byteLength > 0)
    ? binaryReply(Buffer.from(json, 'utf8'), blobs)
    : { headers: { 'content-type': JSON_TYPE }, body: json };
}

/** Whether an output is to come as binary data. */
export function wantsBinary(
  { outputs, parameters }: Pick<EncodedRequest, 'outputs' | 'parameters'>,
  name: string,
): boolean {
  if (outputs.length === 0) return parameters.get('binary_data_output') === true;
  return outputs.find((output) => output.name === name)?.parameters.get('binary_data') === true;
}

/** As a member of parameters. */
const sayContentType = ({ contentType }: OutputTensor, behind: string): string =>
  contentType === undefined ? '' : `"content_type":"${contentType}"${behind}`;

/** As parameters of their own. */
const contentTypeOf = (output: OutputTensor): string =>
  output.contentType === undefined ? '' : `"parameters":{${sayContentType(output, '')}},`;

const encodeData = ({ name, tensor }: OutputTensor, nonFinite: NonFinite): string =>
  encodeJsonData(tensor, name, nonFinite);

/** An output that is in place has neither data nor parameters: clients look for binary data where it has any. */
const encodeOutput = ({ name, tensor: { datatype, shape } }: OutputTensor, contents?: string): string =>
  `{"name":${JSON.stringify(name)},"datatype":"${datatype}","shape":[${shape.join(',')}]${contents === undefined ? '' : `,${contents}`}}`;

/** The keys before the outputs, in the order in which Triton writes them. */
function encodeHead({ id, model, version, parameters }: InferenceResponse, nonFinite: NonFinite): string[] {
  const head = [`"model_name":${JSON.stringify(model)}`, `"model_version":${JSON.stringify(version)}`];
  if (id !== '') head.unshift(`"id":${JSON.stringify(id)}`);
  if (parameters.size > 0) head.push(`"parameters":{${encodeParameters(parameters, nonFinite)}}`);
  return head;
}

const encodeParameters = (parameters: Parameters, nonFinite: NonFinite): string =>
  Array.from(parameters, ([key, value]) => `${JSON.stringify(key)}:${encodeParameter(value, nonFinite)}`).join(',');

export function encodeParameter(value: ParameterValue, nonFinite: NonFinite): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'number' || Number.isFinite(value)) return JSON.stringify(value);
  return nonFinite === 'null' ? 'null' : String(value);
}

function joined(parts: readonly Uint8Array[]): Buffer {
  const bytes = takeBuffer(parts.reduce((total, { byteLength }) => total + byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.byteLength;
  }
  return bytes;
}

const binaryReply = (json: Buffer, blobs: readonly Uint8Array[]): EncodedReply => ({
  headers: { 'content-type': 'application/octet-stream', [HEADER_LENGTH_HEADER]: String(json.byteLength) },
  body: joined([json, ...blobs]),
});

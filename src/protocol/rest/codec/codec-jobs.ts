import { toServingError } from '../../../core/errors/catalogue.js';
import { type PackedError, unpackError } from '../../../core/errors/packed-error.js';
import type { ServingError } from '../../../core/errors/serving-error.js';
import type { EncodedRequest } from '../../../core/inference/request.js';
import { type InferenceResponse, type OutputTensor, PlacedOutput } from '../../../core/inference/response.js';
import type { ContentType } from '../../../core/model/content-types.js';
import type { Datatype } from '../../../core/tensor/datatype.js';
import type { EncodedContents, EncodedTensor } from '../../../core/tensor/encoded-tensor.js';
import type { NonFinite } from '../../../core/tensor/json-data.js';
import { encodeRaw } from '../../../core/tensor/raw.js';
import type { Shape } from '../../../core/tensor/shape.js';
import { ALIGNMENT } from '../../gathered-bytes.js';
import type { ReadBody } from './body-reader.js';
import type { InferRequestParts } from './decode.js';
import type { EncodedReply } from './encode.js';
import { ownBytes } from './own-bytes.js';

/**
 * What is read and written in another thread, in forms that travel between threads: tensors as raw bytes, errors
 * packed. Bytes are moved, not copied, wherever they are the message's own. Here jobs are made, and their results read.
 */

export type CodecJob = OwnJob | ModuleJob;

/** What the codec does by itself. */
export type OwnJob =
  | { readonly kind: 'decode'; readonly parts: SentParts }
  | {
      readonly kind: 'encode';
      readonly request: ReplyWishes;
      readonly response: SentResponse;
      readonly nonFinite: NonFinite;
    };

/** What a module does that is named by its address: a `ReaderModule`, or a `WriterModule`. */
export type ModuleJob =
  | { readonly kind: 'read'; readonly module: string; readonly parts: SentParts; readonly target: unknown }
  | {
      readonly kind: 'write';
      readonly module: string;
      readonly response: SentResponse;
      readonly nonFinite: NonFinite;
    };

export type CodecResult =
  | { readonly kind: 'decoded'; readonly request: SentRequest; readonly more?: object }
  | { readonly kind: 'encoded'; readonly headers: EncodedReply['headers']; readonly body: Uint8Array }
  | { readonly kind: 'failed'; readonly error: PackedError };

/** A message, and the buffers in it that move with it. */
export interface Posted<T> {
  readonly message: T;
  readonly moved: readonly ArrayBuffer[];
}

export type SentParts = Omit<InferRequestParts, 'body'> & { readonly body: Uint8Array };
type ReplyWishes = Pick<EncodedRequest, 'outputs' | 'parameters'>;

export type SentContents =
  | Extract<EncodedContents, { kind: 'raw' | 'none' | 'shared' }>
  | { readonly kind: 'json'; readonly value: null }
  | { readonly kind: 'refused'; readonly error: PackedError };
type SentInput = Omit<EncodedTensor, 'contents'> & { readonly contents: SentContents };
type SentRequest = Omit<EncodedRequest, 'inputs'> & { readonly inputs: readonly SentInput[] };

interface SentOutput {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: Shape;
  readonly contentType: ContentType | undefined;
  /** `undefined` for one that is in place already. */
  readonly bytes: Uint8Array | undefined;
}
export type SentResponse = Omit<InferenceResponse, 'outputs'> & { readonly outputs: readonly SentOutput[] };

/** The job of reading a request; its body moves along, where it has its memory to itself. */
export function decodeJob(parts: InferRequestParts): Posted<OwnJob> {
  const sent = sendParts(parts);
  return { message: { kind: 'decode', parts: sent }, moved: [sent.body.buffer] };
}

/** The job of reading a body by a module of its own. */
export function readJob(module: string, parts: InferRequestParts, target: unknown): Posted<CodecJob> {
  const sent = sendParts(parts);
  return { message: { kind: 'read', module, parts: sent, target }, moved: [sent.body.buffer] };
}

function sendParts({ model, version, headerLength, body }: InferRequestParts) {
  return { model, version, headerLength, body: hasBuffer(body) ? body : new Uint8Array(body) };
}

/** Whether its buffer is its own: all but the few bytes that it may be aligned by. */
const hasBuffer = (bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> =>
  bytes.buffer instanceof ArrayBuffer && bytes.buffer.byteLength - bytes.byteLength < ALIGNMENT;

/** The job of writing a reply. A model may keep what it returned, so the outputs are copied. */
export function encodeJob(
  { outputs, parameters }: ReplyWishes,
  response: InferenceResponse,
  nonFinite: NonFinite,
): Posted<OwnJob> {
  const { message, moved } = sendResponse(response);
  return { message: { kind: 'encode', request: { outputs, parameters }, response: message, nonFinite }, moved };
}

/** The job of writing a reply by a module of its own. */
export function writeJob(module: string, response: InferenceResponse, nonFinite: NonFinite): Posted<CodecJob> {
  const { message, moved } = sendResponse(response);
  return { message: { kind: 'write', module, response: message, nonFinite }, moved };
}

function sendResponse({ model, version, id, parameters, outputs }: InferenceResponse): Posted<SentResponse> {
  const sent = outputs.map((output) => {
    const { datatype, shape } = output.tensor;
    const bytes = output instanceof PlacedOutput ? undefined : copyOf(output);
    return { name: output.name, datatype, shape, contentType: output.contentType, bytes };
  });
  const moved = sent.flatMap(({ bytes }) => bytes?.buffer ?? []);
  return { message: { model, version, id, parameters, outputs: sent }, moved };
}

function copyOf({ tensor }: OutputTensor): Uint8Array<ArrayBuffer> {
  const bytes = encodeRaw(tensor);
  return tensor.datatype === 'BYTES' ? ownBytes(bytes) : new Uint8Array(bytes);
}

/** The request that a job has read. Throws the `ServingError` that it found. */
export function decodedRequest(result: CodecResult): EncodedRequest {
  if (result.kind !== 'decoded') throw failureOf(result);
  const inputs = result.request.inputs.map((input): EncodedTensor => {
    const { contents } = input;
    if (contents.kind !== 'refused') return { ...input, contents };
    return { ...input, contents: { kind: 'refused', error: receiveError(contents.error) } };
  });
  return { ...result.request, inputs };
}

/** What such a module has read. Throws the `ServingError` that it found. */
export const bodyRead = (result: CodecResult): ReadBody => ({
  ...(result.kind === 'decoded' ? result.more : {}),
  request: decodedRequest(result),
});

/** The reply that a job has written. Throws the `ServingError` that it found. */
export function encodedReply(result: CodecResult): EncodedReply {
  if (result.kind !== 'encoded') throw failureOf(result);
  const { buffer, byteOffset, byteLength } = result.body;
  return { headers: result.headers, body: Buffer.from(buffer, byteOffset, byteLength) };
}

const failureOf = (result: CodecResult): Error =>
  result.kind === 'failed' ? receiveError(result.error) : new TypeError(`unexpected result '${result.kind}'`);

const receiveError = (error: PackedError): ServingError => toServingError(unpackError(error));

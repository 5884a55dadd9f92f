import type { StreamReply } from '../server/stream-messages.js';
import { decodeModelInferResponse, type EncodedResponse } from './infer-response.js';
import { delimited } from './parameter-field.js';
import { encodeEitherResponse } from './typed-response.js';
import { WireReader } from './wire-reader.js';
import { fieldSize, WireWriter } from './wire-writer.js';

/** Writes a ModelStreamInferResponse: the response, and before it the error if there is one. */
export function encodeModelStreamInferResponse({ error, response }: StreamReply): Buffer {
  const encoded = encodeEitherResponse(response);
  const errorLength = Buffer.byteLength(error);
  const writer = new WireWriter((errorLength === 0 ? 0 : fieldSize(errorLength)) + fieldSize(encoded.length));
  if (errorLength > 0) writer.stringField(1, error, errorLength);
  writer.bytesField(2, encoded);
  return writer.bytes;
}

/** One reply on a stream as a client gets it. */
export interface EncodedStreamReply {
  /** Empty for a success. */
  readonly error: string;
  readonly response: EncodedResponse | undefined;
}

/**
 * Reads a ModelStreamInferResponse as a client does; MLServer sends a bare ModelInferResponse in its place. Throws for
 * bytes that are neither.
 */
export function decodeModelStreamInferResponse(bytes: Buffer): EncodedStreamReply {
  const reader = new WireReader(bytes);
  let error = '';
  let response: Buffer | undefined;
  while (!reader.done) {
    const tag = reader.uint32();
    if (tag === delimited(1)) error = reader.string();
    else if (tag === delimited(2)) response = reader.slice();
    else if (ONLY_OF_RESPONSES.has(tag)) return { error: '', response: decodeModelInferResponse(bytes) };
    else reader.skip(tag & 7);
  }
  return { error, response: response && decodeModelInferResponse(response) };
}

/** The id, parameters, outputs and raw contents of a ModelInferResponse. */
const ONLY_OF_RESPONSES: ReadonlySet<number> = new Set([3, 4, 5, 6].map(delimited));

import type { StreamReply } from '../server/stream-messages.js';
import { encodeModelInferResponse } from './infer-response.js';
import { fieldSize, WireWriter } from './wire-writer.js';

/** Writes a ModelStreamInferResponse: the response, and before it the error if there is one. */
export function encodeModelStreamInferResponse({ error, response }: StreamReply): Buffer {
  const encoded = encodeModelInferResponse(response);
  const errorLength = Buffer.byteLength(error);
  const writer = new WireWriter((errorLength === 0 ? 0 : fieldSize(errorLength)) + fieldSize(encoded.length));
  if (errorLength > 0) writer.stringField(1, error, errorLength);
  writer.bytesField(2, encoded);
  return writer.bytes;
}

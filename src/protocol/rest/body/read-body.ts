import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { ServingError } from '../../../core/errors/serving-error.js';

/** As many parts may a chunked body have: each costs more memory than its bytes. */
const MAX_CHUNKS = 65_536;

type Done = (error: Error | null, body?: Buffer) => void;

/**
 * The one body parser, for every Content-Type: gives the bytes as they are.
 *
 * Refuses a body that is larger than allowed, that comes in too many chunks, or that is encoded, before it takes
 * memory. What the caller still sends of a refused body is dropped as it arrives.
 */
export const bodyParser = (maxBytes: number) => (request: FastifyRequest, payload: IncomingMessage, done: Done) => {
  const declared = Number(request.headers['content-length'] ?? 0);
  const refusal = refuseEncoding(request.headers['content-encoding']) ?? refuseLength(declared, maxBytes);
  if (refusal === undefined) receive(payload, maxBytes, done);
  else done(refusal);
};

function receive(payload: IncomingMessage, maxBytes: number, done: Done): void {
  const chunked = payload.headers['transfer-encoding'] !== undefined;
  const chunks: Buffer[] = [];
  let length = 0;
  let refused = false;
  payload.on('data', (chunk: Buffer) => {
    if (refused) return;
    length += chunk.length;
    chunks.push(chunk);
    const refusal = refuseLength(length, maxBytes) ?? (chunked ? refuseChunks(chunks.length) : undefined);
    if (refusal === undefined) return;
    refused = true;
    chunks.length = 0;
    done(refusal);
  });
  // It never comes from a caller who leaves halfway: there is nobody to answer, and the call is over already.
  payload.once('end', () => {
    if (!refused) done(null, Buffer.concat(chunks, length));
  });
}

const refuseLength = (length: number, maxBytes: number): ServingError | undefined =>
  length <= maxBytes
    ? undefined
    : tooLarge(
        `request JSON size of ${length} bytes exceeds the maximum allowed input size of ${maxBytes} bytes. Use MAX_MESSAGE_BYTES to increase the limit.`,
      );

const refuseChunks = (chunks: number): ServingError | undefined =>
  chunks <= MAX_CHUNKS
    ? undefined
    : tooLarge(
        `Chunked request body exceeds maximum of ${MAX_CHUNKS} non-empty chunks. Send fewer or larger HTTP chunks.`,
      );

const tooLarge = (message: string) => new ServingError('resource-exhausted', message, { reason: 'message-too-large' });

function refuseEncoding(encoding: string | undefined): ServingError | undefined {
  if (encoding === undefined || encoding === '' || encoding.toLowerCase() === 'identity') return undefined;
  return new ServingError(
    'unimplemented',
    `Unsupported compression type: Content-Encoding '${encoding}'; send the body without one`,
    { reason: 'unsupported-encoding' },
  );
}

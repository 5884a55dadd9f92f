import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { invalidArgument } from '../../../core/errors/catalogue.js';
import { ServingError } from '../../../core/errors/serving-error.js';
import { GatheredBytes } from '../../gathered-bytes.js';
import { takesPlainBodies } from '../inference-route.decorator.js';
import { HEADER_LENGTH_HEADER, requestHeader } from '../request-header.js';
import { codingOf, inflateBody } from './inflate-body.js';
import { tooLarge } from './too-large.js';

/** As many parts may a chunked body have: each costs more memory than its bytes. */
const MAX_CHUNKS = 65_536;

type Done = (error: Error | null, body?: Buffer) => void;

/**
 * The one body parser, for every Content-Type: gives the bytes as they are, unpacked where they come compressed.
 *
 * Refuses a body that is larger than allowed, packed or unpacked, that comes in too many chunks, or in a coding that is
 * not known, before it takes memory. What the caller still sends of a refused body is dropped as it arrives.
 */
export const bodyParser = (maxBytes: number) => (request: FastifyRequest, payload: IncomingMessage, done: Done) => {
  const declared = Number(requestHeader(request.headers, 'content-length') ?? 0);
  const coding = codingOf(requestHeader(request.headers, 'content-encoding'));
  if (coding !== 'identity' && takesPlainBodies(request)) return done(packedBody());
  if (coding instanceof ServingError) return done(coding);
  const refusal = refuseLength(declared, maxBytes);
  if (refusal !== undefined) return done(refusal);
  if (coding === 'identity') return receive(payload, maxBytes, done);
  return receive(payload, maxBytes, (refused, packed = Buffer.alloc(0)) => {
    if (refused !== null) return done(refused);
    return inflateBody(packed, coding, maxBytes, (error, body) => {
      // Whoever left meanwhile is not answered, and nothing is worked on for them.
      if (!payload.socket.destroyed) done(error, body);
    });
  });
};

function receive(payload: IncomingMessage, maxBytes: number, done: Done): void {
  const { headers } = payload;
  const chunked = requestHeader(headers, 'transfer-encoding') !== undefined;
  const declared = Number(requestHeader(headers, 'content-length') ?? 0);
  const jsonLength = Number(requestHeader(headers, HEADER_LENGTH_HEADER) ?? 0);
  const body = new GatheredBytes(declared, Number.isSafeInteger(jsonLength) ? jsonLength : 0);
  let only: Buffer | undefined;
  let chunks = 0;
  const take = (chunk: Buffer): void => {
    chunks++;
    const refusal = refuseLength(body.length + chunk.length, maxBytes) ?? (chunked ? refuseChunks(chunks) : undefined);
    if (refusal === undefined) {
      only = chunk.length === declared ? chunk : undefined;
      if (only === undefined) body.add(chunk);
      return;
    }
    // What has come is let go, and what still comes falls to the ground.
    payload.off('data', take).off('end', finish).resume();
    done(refusal);
  };
  const finish = (): void => done(null, only ?? body.end());
  payload.on('data', take);
  // It never comes from a caller who leaves halfway: there is nobody to answer, and the call is over already.
  payload.once('end', finish);
}

const packedBody = (): ServingError =>
  invalidArgument('Unable to decompress the request body: this route takes it in no Content-Encoding');

const refuseLength = (length: number, maxBytes: number): ServingError | undefined =>
  length <= maxBytes ? undefined : tooLarge(length, maxBytes);

const refuseChunks = (chunks: number): ServingError | undefined =>
  chunks <= MAX_CHUNKS
    ? undefined
    : new ServingError(
        'resource-exhausted',
        `Chunked request body exceeds maximum of ${MAX_CHUNKS} non-empty chunks. Send fewer or larger HTTP chunks.`,
        { reason: 'message-too-large' },
      );

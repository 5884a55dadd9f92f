import { inflateRaw, unzip, type Zlib, type ZlibOptions } from 'node:zlib';
import { invalidArgument } from '../../../core/errors/catalogue.js';
import { ServingError } from '../../../core/errors/serving-error.js';
import { tooLarge } from './too-large.js';

/** The codings that a body may come in, besides none. */
export type Coding = 'gzip' | 'deflate';

/** The codings, as the header `Accept-Encoding` lists them. */
export const CODINGS = 'gzip, deflate';

/** The coding of a body, or why it cannot be read. One coding at a time: they are not stacked. */
export function codingOf(header: string | undefined): Coding | 'identity' | ServingError {
  const name = header?.trim().toLowerCase() ?? '';
  if (name === '' || name === 'identity') return 'identity';
  if (name === 'gzip' || name === 'deflate') return name;
  return new ServingError(
    'unimplemented',
    `Unsupported compression type: Content-Encoding '${header ?? ''}'; send one of ${CODINGS}, or none`,
    { reason: 'unsupported-encoding' },
  );
}

/** Large enough that a full body takes few rounds, small enough to be thrown away at once. */
const CHUNK_BYTES = 262_144;

/**
 * Unpacks a body off this thread, into no more bytes than allowed: what would become larger is given up where it
 * does. By `deflate` some clients mean the bare stream, others the one with a zlib header, as the RFC does.
 */
export function inflateBody(
  packed: Buffer,
  coding: Coding,
  maxBytes: number,
  done: (error: Error | null, body?: Buffer) => void,
): void {
  const unpack = coding === 'deflate' && isBare(packed) ? inflateRaw : unzip;
  const options: ZlibOptions = { maxOutputLength: maxBytes, chunkSize: CHUNK_BYTES, info: true };
  unpack(packed, options, (error, unpacked) => {
    if (error !== null) return done(describe(error, coding, maxBytes));
    // With `info`, the result comes with the engine that made it.
    const { buffer, engine } = unpacked as unknown as { readonly buffer: Buffer; readonly engine: Zlib };
    const left = packed.length - engine.bytesWritten;
    if (left > 0) return done(unreadable(coding, `${left} bytes are left over behind its end`));
    return done(null, buffer);
  });
}

/** A gzip stream starts with 0x1f, one of zlib has 8 in its lower half. */
const isBare = ([first = 0]: Buffer): boolean => first !== 0x1f && (first & 0x0f) !== 8;

function describe({ code, message }: NodeJS.ErrnoException, coding: Coding, maxBytes: number): ServingError {
  if (code === 'ERR_BUFFER_TOO_LARGE') return tooLarge(maxBytes + 1, maxBytes);
  return unreadable(coding, code === 'Z_BUF_ERROR' ? 'it ends too early' : message);
}

const unreadable = (coding: Coding, problem: string): ServingError =>
  invalidArgument(`Unable to decompress the request body as ${coding}: ${problem}`);

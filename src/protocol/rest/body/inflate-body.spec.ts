import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ServingError } from '../../../core/errors/serving-error.js';
import { type Coding, codingOf, inflateBody } from './inflate-body.js';

const LIMIT = 1_000;
const TEXT = 'a body, a body, a body';

const inflate = (packed: Buffer, coding: Coding): Promise<string> =>
  new Promise((resolve, reject) => {
    inflateBody(packed, coding, LIMIT, (error, body) => (error === null ? resolve(String(body)) : reject(error)));
  });

describe('codingOf', () => {
  it.each([
    [undefined, 'identity'],
    ['', 'identity'],
    [' Identity ', 'identity'],
    ['gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['deflate ', 'deflate'],
  ])('reads %j as %s', (header, coding) => {
    expect(codingOf(header)).toBe(coding);
  });

  it.each(['br', 'zstd', 'compress', 'gzip, gzip', 'identity, gzip', 'gzip;q=1', '*', '__proto__'])(
    'refuses %j',
    (header) => {
      const refusal = codingOf(header);
      expect(refusal).toBeInstanceOf(ServingError);
      expect(refusal).toMatchObject({ code: 'unimplemented', reason: 'unsupported-encoding' });
      expect((refusal as ServingError).message).toContain(`Unsupported compression type: Content-Encoding '${header}'`);
    },
  );
});

describe('inflateBody', () => {
  it.each<[string, Coding, Buffer]>([
    ['gzip', 'gzip', gzipSync(TEXT)],
    ['gzip in two members', 'gzip', Buffer.concat([gzipSync(TEXT.slice(0, 5)), gzipSync(TEXT.slice(5))])],
    ['deflate with a zlib header', 'deflate', deflateSync(TEXT)],
    ['bare deflate', 'deflate', deflateRawSync(TEXT)],
    ['deflate that is called gzip', 'gzip', deflateSync(TEXT)],
    ['gzip that is called deflate', 'deflate', gzipSync(TEXT)],
  ])('unpacks %s', async (_, coding, packed) => {
    expect(await inflate(packed, coding)).toBe(TEXT);
  });

  it('unpacks nothing, and as much as is allowed', async () => {
    expect(await inflate(gzipSync(''), 'gzip')).toBe('');
    expect(await inflate(gzipSync('x'.repeat(LIMIT)), 'gzip')).toHaveLength(LIMIT);
  });

  it.each<[Coding, Buffer]>([
    ['gzip', gzipSync('x'.repeat(LIMIT + 1))],
    ['deflate', deflateSync('x'.repeat(LIMIT + 1))],
    ['deflate', deflateRawSync(Buffer.alloc(10_000_000))],
  ])('gives up %s that becomes larger', async (coding, packed) => {
    await expect(inflate(packed, coding)).rejects.toMatchObject({
      code: 'resource-exhausted',
      reason: 'message-too-large',
      message: `request JSON size of 1001 bytes exceeds the maximum allowed input size of 1000 bytes. Use MAX_MESSAGE_BYTES to increase the limit.`,
    });
  });

  const damaged = (packed: Buffer, at: number): Buffer => {
    const copy = Buffer.from(packed);
    copy.writeUInt8(copy.readUInt8(at) ^ 0xff, at);
    return copy;
  };
  const packed = gzipSync(TEXT);

  it.each<[string, Coding, Buffer, RegExp]>([
    ['nothing at all', 'gzip', Buffer.alloc(0), /it ends too early/],
    ['its first byte alone', 'gzip', packed.subarray(0, 1), /it ends too early/],
    ['an early end', 'gzip', packed.subarray(0, -1), /it ends too early/],
    ['an early end', 'deflate', deflateSync(TEXT).subarray(0, -1), /it ends too early/],
    ['an early end of the bare stream', 'deflate', deflateRawSync(TEXT).subarray(0, -2), /it ends too early/],
    ['plain JSON', 'gzip', Buffer.from('{"inputs":[]}'), /incorrect header check/],
    ['a wrong length', 'gzip', damaged(packed, packed.length - 1), /incorrect length check/],
    ['a wrong checksum', 'gzip', damaged(packed, packed.length - 5), /incorrect data check/],
    ['an unknown method', 'gzip', damaged(packed, 2), /compression method/],
    ['more behind its end', 'deflate', Buffer.concat([deflateSync(TEXT), Buffer.from('{}')]), /2 bytes are left over/],
    ['more behind its end', 'gzip', Buffer.concat([packed, Buffer.from('{}')]), /./],
  ])('refuses %s as %s', async (_, coding, body, problem) => {
    await expect(inflate(body, coding)).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringMatching(
        new RegExp(`^Unable to decompress the request body as ${coding}: .*${problem.source}`),
      ) as unknown,
    });
  });
});

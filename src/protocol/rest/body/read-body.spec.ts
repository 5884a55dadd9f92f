import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { FastifyRequest } from 'fastify';
import { expect, it, vi } from 'vitest';
import { bodyParser } from './read-body.js';

const LIMIT = 4;

/** Reads a body that comes in parts, and gives all that the parser said of it. */
async function read(headers: Readonly<Record<string, string>>, ...parts: readonly (string | Buffer)[]) {
  const done = vi.fn<(error: Error | null, body?: Buffer) => void>();
  const payload = Object.assign(new PassThrough(), { headers });
  const request = { headers, routeOptions: { config: {} } };
  bodyParser(LIMIT)(request as unknown as FastifyRequest, payload as unknown as IncomingMessage, done);
  for (const part of parts) payload.write(part);
  payload.end();
  payload.resume();
  await finished(payload);
  if (done.mock.calls[0]?.[0] instanceof Error) expect(payload.listenerCount('data')).toBe(0);
  return done.mock.calls;
}

it.each([
  ['nothing', {}, []],
  ['one part', { 'content-length': '4' }, ['abcd']],
  ['several parts', { 'transfer-encoding': 'chunked' }, ['a', 'bc', 'd']],
])('joins %s into one buffer', async (_, headers, parts) => {
  expect(await read(headers, ...parts)).toEqual([[null, Buffer.from(parts.join(''))]]);
});

it.each(['0', '1', '2', '3', 'none'])('aligns what is behind %s bytes of JSON', async (jsonLength) => {
  const [[error, body] = []] = await read({ 'inference-header-content-length': jsonLength }, 'ab', 'cd');
  expect([error, String(body)]).toEqual([null, 'abcd']);
  if (jsonLength !== 'none') expect(((body?.byteOffset ?? 0) + Number(jsonLength)) % 8).toBe(0);
});

it('gives a body that comes at once without copying it', async () => {
  const part = Buffer.from('abcd');
  const [[, body] = []] = await read({}, part);
  expect(body?.buffer).toBe(part.buffer);
});

it.each([
  ['too many bytes', {}, ['abc', 'de', 'fgh', 'i'], 'message-too-large'],
  ['too large a length', { 'content-length': '5' }, ['abcde'], 'message-too-large'],
  ['too large a length before anything comes', { 'content-length': '5' }, [], 'message-too-large'],
  ['an encoding', { 'content-encoding': 'br' }, ['ab', 'cd'], 'unsupported-encoding'],
])('refuses %s once, and reads the rest to its end', async (_, headers, parts, reason) => {
  expect(await read(headers, ...parts)).toEqual([[expect.objectContaining({ reason })]]);
});

import { type IncomingHttpHeaders, request } from 'node:http';
import { gunzipSync, inflateSync } from 'node:zlib';
import type { FastifyReply } from 'fastify';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fp16, fp32, signature } from '#core';
import { defineModel, serve, type TestServer } from '#testing';
import { inferPath } from '../../../../test/support/wires.js';
import { eventStream } from './event-stream.js';
import * as packers from './compress.js';

const growing = signature({ inputs: { x: fp32(-1) }, outputs: { y: fp32(-1) } });
const grow = defineModel('grow', growing, ({ x }) => ({
  y: fp32.of([x.data[0] ?? 0], new Float32Array(x.data[0] ?? 0)),
}));
const half = defineModel('half', signature({ inputs: {}, outputs: { y: fp16(-1) } }), () => ({
  y: fp16.of([2_000], new Uint16Array(2_000)),
}));

it('a stream asks for an event when the one before is taken', async () => {
  let made = 0;
  const events = async function* (): AsyncGenerator<string, void> {
    await Promise.resolve();
    for (;;) yield String(++made);
  };
  const reply = { headers: () => reply } as unknown as FastifyReply;
  const stream = await eventStream(reply, events());
  for await (const event of stream) {
    await new Promise(setImmediate);
    expect(String(event)).toMatch(/^data: \d\n\n$/);
    // The one that is taken, and the next.
    expect(made).toBeLessThanOrEqual(Number(String(event).slice(6)) + 1);
    if (made >= 5) break;
  }
});

let server: TestServer;
const start = async (environment: Readonly<Record<string, string>> = {}) => {
  server = await serve([grow, half], { environment });
};
afterEach(async () => {
  vi.restoreAllMocks();
  await server?.close();
});

interface Reply {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
}

/** Asks as `fetch` cannot: with any Accept-Encoding or none, and without unpacking. */
async function infer(size: number, accepted?: string, parts: object = {}, model = 'grow'): Promise<Reply> {
  const inputs = model === 'grow' ? [{ name: 'x', datatype: 'FP32', shape: [1], data: [size] }] : [];
  const headers = accepted === undefined ? {} : { 'accept-encoding': accepted };
  return new Promise((resolve, reject) => {
    const call = request(server.addresses.http + inferPath(model), { method: 'POST', headers }, (reply) => {
      const chunks: Buffer[] = [];
      reply.on('data', (chunk: Buffer) => chunks.push(chunk));
      reply.once('end', () =>
        resolve({ status: reply.statusCode, headers: reply.headers, bytes: Buffer.concat(chunks) }),
      );
    });
    call.once('error', reject);
    call.end(JSON.stringify({ inputs, ...parts }));
  });
}

const BINARY = { parameters: { binary_data_output: true } };
const dataOf = (json: Buffer) => (JSON.parse(String(json)) as { outputs: { data: number[] }[] }).outputs[0]?.data;

describe('a reply to an inference', () => {
  beforeEach(() => start());

  it.each([
    ['gzip', gunzipSync],
    ['gzip, deflate, br', gunzipSync],
    ['deflate;q=0.9, gzip;q=0.1', inflateSync],
  ])('is packed for callers that accept %s', async (accepted, unpack) => {
    const { headers, bytes } = await infer(5_000, accepted);
    expect(headers['content-encoding']).toBe(unpack === gunzipSync ? 'gzip' : 'deflate');
    expect(headers.vary).toBe('accept-encoding');
    expect(headers['content-length']).toBe(String(bytes.length));
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
    expect(dataOf(unpack(bytes))).toHaveLength(5_000);
    expect(bytes.length).toBeLessThan(1_000);
  });

  it('is packed whole where it is binary, and its header tells the length of the JSON before that', async () => {
    const plain = await infer(5_000, 'identity', BINARY);
    const { headers, bytes } = await infer(5_000, 'gzip', BINARY);
    expect(headers['content-encoding']).toBe('gzip');
    expect(headers['inference-header-content-length']).toBe(plain.headers['inference-header-content-length']);
    expect(gunzipSync(bytes)).toEqual(plain.bytes);
  });

  it.each([[undefined], ['identity'], ['br'], ['*'], ['gzip;q=0'], ['']])(
    'is not packed for Accept-Encoding %j',
    async (accepted) => {
      const { headers, bytes } = await infer(5_000, accepted);
      expect([headers['content-encoding'], headers.vary]).toEqual([undefined, 'accept-encoding']);
      expect(dataOf(bytes)).toHaveLength(5_000);
    },
  );

  it('is not packed where it is small', async () => {
    const { headers, bytes } = await infer(2, 'gzip');
    expect(headers['content-encoding']).toBeUndefined();
    expect(dataOf(bytes)).toEqual([0, 0]);
  });

  it('that is an error is never packed', async () => {
    const long = await infer(0, 'gzip', {}, 'x'.repeat(500));
    expect([long.status, long.headers['content-encoding']]).toEqual([404, undefined]);
    const refused = await infer(0, 'gzip', {}, 'half');
    expect([refused.status, refused.headers['content-encoding']]).toEqual([400, undefined]);
    expect(JSON.parse(String(refused.bytes))).toHaveProperty('error');
  });

  it('goes as it is where packing fails', async () => {
    vi.spyOn(packers, 'compress').mockResolvedValue(undefined);
    const { status, headers, bytes } = await infer(5_000, 'gzip');
    expect([status, headers['content-encoding']]).toEqual([200, undefined]);
    expect(dataOf(bytes)).toHaveLength(5_000);
  });
});

it('may be packed however small it is', async () => {
  await start({ RESPONSE_COMPRESSION_MIN_BYTES: '0' });
  const { headers, bytes } = await infer(2, 'deflate');
  expect(headers['content-encoding']).toBe('deflate');
  expect(dataOf(inflateSync(bytes))).toEqual([0, 0]);
});

it('is never packed where that is turned off', async () => {
  await start({ RESPONSE_COMPRESSION: 'false' });
  const { headers } = await infer(5_000, 'gzip');
  expect([headers['content-encoding'], headers.vary]).toEqual([undefined, undefined]);
});

it('keeps what CORS says of its variety', async () => {
  await start({ CORS_ORIGINS: 'https://a.example,https://b.example' });
  expect((await infer(2)).headers.vary).toMatch(/^origin, accept-encoding$/i);
});

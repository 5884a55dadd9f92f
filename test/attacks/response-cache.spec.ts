import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fp32, type InferContext, signature } from '#core';
import { defineModel, type ModelClass, serve, type TestServer } from '#testing';
import { ResponseCache } from '../../src/engine/cache/response-cache.js';
import { inferOver, WIRES, type Wire } from '../support/wires.js';

/** What callers could learn of each other where answers are kept, or run together. */

const KEYS = { alice: 'the-key-of-alice-1', bob: 'the-key-of-bob-123' };
const rows = signature({ inputs: { x: fp32(-1, 2) }, outputs: { y: fp32(-1, 2) } });

let runs = 0;
const callers: unknown[] = [];
const tenfold = (name: string, options: object): ModelClass =>
  defineModel(
    name,
    rows,
    ({ x }, context) => {
      runs++;
      const { requests = [context] } = context as InferContext & { requests?: readonly InferContext[] };
      callers.push(...requests.map(({ principal }) => principal));
      return { y: x.map((value) => value * 10) };
    },
    {},
    options,
  );

let server: TestServer;

beforeEach(async () => {
  runs = 0;
  callers.length = 0;
  server = await serve(
    [tenfold('cached', { cache: true }), tenfold('both', { cache: true, batching: { maxSize: 8 } })],
    {
      environment: {
        RESPONSE_CACHE_BYTES: '1000000',
        API_KEYS: Object.entries(KEYS)
          .map(([name, key]) => `${name}:${key}`)
          .join(','),
      },
    },
  );
});

afterEach(() => server.close());

const as = (caller: keyof typeof KEYS, wire: Wire) => (request: Parameters<(typeof inferOver)[Wire]>[1]) => {
  const { rest, grpc } = server;
  const headers = { 'x-api-key': KEYS[caller] };
  const named = {
    rest: { post: (path: string, body: unknown, own = {}) => rest.post(path, body, { ...own, ...headers }) },
    grpc: { call: (method: string, message: object) => grpc.call(method, message, { metadata: headers }) },
  };
  return inferOver[wire](named as unknown as TestServer, request);
};

const requestOf = (model: string, seed: number, id: string) => {
  const raw = Buffer.from(Float32Array.of(seed, -seed).buffer);
  return { model, id, binary: true, inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], raw }] };
};

const answerOf = async (sent: ReturnType<ReturnType<typeof as>>) => {
  const { status, message, outputs, reply } = await sent;
  const { raw = Buffer.alloc(0) } = outputs[0] ?? {};
  return { status, message, values: [raw.readFloatLE(0), raw.readFloatLE(4)], reply };
};

describe.each(WIRES)('A71: over %s', (wire) => {
  it.each(['cached', 'both'])("no caller sees another one's rows of '%s'", async (model) => {
    const seeds = Array.from({ length: 12 }, (_, index) => index + 1);
    const round = (caller: keyof typeof KEYS) =>
      Promise.all(
        seeds.map(async (seed) => {
          const { values, message } = await answerOf(as(caller, wire)(requestOf(model, seed, `${caller}-${seed}`)));
          return { values, message };
        }),
      );
    const expected = seeds.map((seed) => ({ values: [seed * 10, seed * -10], message: '' }));
    expect(await round('alice')).toEqual(expected);
    const before = runs;
    expect(await round('bob')).toEqual(expected);
    expect(runs).toBe(before);
    expect(server.get(ResponseCache).counters).toMatchObject({ hits: 12, misses: 12, evictions: 0 });
    expect(new Set(callers)).toEqual(new Set([undefined]));
  });

  it('a kept answer carries the id of whoever asks, and none of the others', async () => {
    await answerOf(as('alice', wire)(requestOf('cached', 1, 'of-alice')));
    const { reply, values } = await answerOf(as('bob', wire)(requestOf('cached', 1, 'of-bob')));
    expect(values).toEqual([10, -10]);
    const told = JSON.stringify(reply);
    expect(told).toContain('of-bob');
    expect(told).not.toContain('alice');
    expect(runs).toBe(1);
  });
});

it('a kept answer is not for those who may not ask', async () => {
  await answerOf(as('alice', 'rest')(requestOf('cached', 1, '')));
  const { status } = await inferOver.rest(server, requestOf('cached', 1, ''));
  expect(status).toBe(401);
});

it('nothing is kept where the operator did not say so', async () => {
  await using plain = await serve(tenfold('cached', { cache: true }));
  for (const id of ['one', 'two']) await inferOver.grpc(plain, requestOf('cached', 1, id));
  expect(runs).toBe(2);
  expect(plain.get(ResponseCache).counters).toEqual({ hits: 0, misses: 0, evictions: 0, bytes: 0 });
});

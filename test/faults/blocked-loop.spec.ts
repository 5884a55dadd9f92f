import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { TestServer } from '#testing';
import { BuiltServer } from '../support/built-server.js';
import { atScale } from '../support/full-scale.js';
import { inferOver, type SentInference, type Wire, WIRES } from '../support/wires.js';

/** F50: a model that blocks the event loop, on the loop itself and in a thread of its own. */

/** How long the model blocks, in milliseconds. */
const BLOCKED_MS = atScale(5_000, 400);

const MODELS = ['Blocking', 'BlockingThread', 'Double'];

let server: BuiltServer;

beforeAll(async () => {
  server = await BuiltServer.start(MODELS);
});

afterAll(() => server[Symbol.asyncDispose]());

const infer = (wire: Wire, request: SentInference, to = server) =>
  inferOver[wire](to as unknown as TestServer, request);

const blocking = (model: string, path: string, ms = BLOCKED_MS): SentInference => ({
  model,
  parameters: { ms: String(ms) },
  inputs: [{ name: 'path', datatype: 'BYTES', shape: [1], data: [path] }],
});

const double: SentInference = {
  model: 'double',
  inputs: [{ name: 'x', datatype: 'FP32', shape: [1], data: [1] }],
};

const OK = { grpc: 'OK', rest: 200 } as const;

/** Asks for live on both wires at once. */
async function expectLive({ grpc, rest } = server): Promise<void> {
  const [overGrpc, overRest] = await Promise.all([grpc.call('ServerLive'), rest.get('/v2/health/live')]);
  expect([overGrpc, overRest.json]).toEqual([{ live: true }, { live: true }]);
}

it.each(WIRES)('F50: live is answered once the loop is free, and so is the inference, over %s', async (wire) => {
  const running = infer(wire, blocking('blocking', `loop-${wire}`));
  await server.found(`loop-${wire}.started`);
  await expectLive();
  expect(server.has(`loop-${wire}.ended`)).toBe(true);
  expect((await running).status).toBe(OK[wire]);
  expect((await infer(wire, double)).status).toBe(OK[wire]);
});

it.each(WIRES)('F50: the same model in a thread leaves the loop free, over %s', async (wire) => {
  const running = infer(wire, blocking('blocking_thread', `thread-${wire}`, 60_000));
  await server.found(`thread-${wire}.started`);
  await expectLive();
  expect((await infer(wire, double)).status).toBe(OK[wire]);
  expect(server.has(`thread-${wire}.ended`)).toBe(false);
  await server.leave(`thread-${wire}`);
  expect((await running).status).toBe(OK[wire]);
});

it('F50: a server that watches its loop refuses inferences while it is late, and nothing else', async () => {
  await using watching = await BuiltServer.start(MODELS, {
    EVENT_LOOP_DELAY_LIMIT_MS: '100',
    LOG_LEVEL: 'info',
    LOG_FORMAT: 'json',
  });
  await vi.waitFor(
    async () => {
      await infer('grpc', blocking('blocking', 'late'), watching);
      const [grpc, rest, unread] = await Promise.all([
        infer('grpc', double, watching),
        infer('rest', double, watching),
        watching.rest.post('/v2/models/double/infer', '{}'),
        expectLive(watching),
      ]);
      expect([grpc.status, rest.status, unread.status]).toEqual(['UNAVAILABLE', 503, 503]);
      expect(unread.headers.get('retry-after')).toBe('1');
      for (const { message } of [grpc, rest]) expect(message).toMatch(/^the server is \d+ ms late with its work/);
    },
    { timeout: 30_000, interval: 1 },
  );
  // Late is what the last second was.
  await vi.waitFor(
    async () => {
      const answers = await Promise.all(WIRES.map((wire) => infer(wire, double, watching)));
      expect(answers.map(({ status }) => status)).toEqual([OK.grpc, OK.rest]);
    },
    { timeout: 10_000, interval: 20 },
  );
  expect(watching.output()).toMatch(/"model":"double".*"code":"unavailable"/);
  // A line may come after the answers that it explains.
  await vi.waitFor(() => {
    const lines = watching.output().split('\n');
    const told = lines.filter((line) => line.includes('the event loop is '));
    expect(told[0]).toMatch(/"level":"warn".*the event loop is \d+ ms late, more than 100 ms/);
    expect(told[1]).toMatch(/"level":"info".*the event loop is \d+ ms late, no more than 100 ms/);
  });
}, 60_000);

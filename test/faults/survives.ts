import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { fp32, signature } from '#core';
import { defineModel, type ModelClass, serve, type ServeOptions, type TestServer } from '#testing';

const probe = signature({ inputs: { x: fp32(-1) }, outputs: { y: fp32(-1) } });
export const Probe = defineModel('probe', probe, ({ x }) => ({ y: x.map((value) => value + 1) }));

/** Generous, since client and server share the process, and nothing forces a collection of garbage. */
const MAX_GROWTH_BYTES = 64 * 2 ** 20;

/**
 * Starts one server for the tests of a file, and holds after each of them that it has survived: it is live, it
 * answers a good inference on both wires, no promise was rejected unheard, and memory is back. Returns the server.
 */
export function surviving(models: readonly ModelClass[] = [], options: ServeOptions = {}): () => TestServer {
  let server: TestServer | undefined;
  let memory = 0;
  const unheard: unknown[] = [];
  const note = (reason: unknown): void => void unheard.push(reason);
  const running = (): TestServer => {
    if (server === undefined) throw new Error('the server is not running');
    return server;
  };

  beforeAll(async () => {
    process.on('unhandledRejection', note);
    server = await serve([...models, Probe], options);
    await expectService(server);
  });

  beforeEach(() => {
    memory = process.memoryUsage.rss();
  });

  afterEach(async () => {
    await expectService(running());
    expect(unheard.splice(0)).toEqual([]);
    expect(process.memoryUsage.rss() - memory).toBeLessThan(MAX_GROWTH_BYTES);
  });

  afterAll(async () => {
    process.off('unhandledRejection', note);
    await server?.close();
  });

  return running;
}

/** Live on both wires, and a good inference succeeds on both. */
export async function expectService({ rest, grpc }: TestServer): Promise<void> {
  const [httpLive, grpcLive, httpReply, grpcReply] = await Promise.all([
    rest.get('/v2/health/live'),
    grpc.call('ServerLive'),
    rest.infer('probe', { x: [1, 2] }),
    grpc.infer('probe', { x: [1, 2] }),
  ]);
  expect(httpLive.json).toEqual({ live: true });
  expect(grpcLive).toEqual({ live: true });
  expect([httpReply, grpcReply]).toEqual([{ y: [2, 3] }, { y: [2, 3] }]);
}

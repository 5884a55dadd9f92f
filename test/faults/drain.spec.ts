import { once } from 'node:events';
import { type ServiceError, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { int32, signature } from '../../src/core/index.js';
import { Deferred } from '../../src/testing/deferred.js';
import { defineModel, serve, type TestServer } from '../../src/testing/index.js';

const values = signature({ inputs: { x: int32(-1) }, outputs: { y: int32(-1) } });

let gate: Deferred;
let started: Deferred;
let unloaded: boolean;

const gated = defineModel(
  'gated',
  values,
  async ({ x }) => {
    started.resolve();
    await gate.promise;
    return { y: x };
  },
  {
    unload: () => {
      unloaded = true;
    },
  },
);

const message = {
  model_name: 'gated',
  id: 'i-1',
  inputs: [{ name: 'x', datatype: 'INT32', shape: [1], contents: { int_contents: [7] } }],
};
const body = { inputs: [{ name: 'x', datatype: 'INT32', shape: [1], data: [7] }] };

let server: TestServer;
let closing: Promise<void>;

beforeEach(() => {
  gate = new Deferred();
  started = new Deferred();
  unloaded = false;
});

afterEach(async () => {
  gate.resolve();
  await closing;
});

async function start(environment: Record<string, string> = {}): Promise<void> {
  server = await serve([gated], { environment });
}

/** Tells the server to end, and waits until it says so itself. */
async function end(): Promise<void> {
  const watching = server.grpc.stream('Watch', {}, { service: 'grpc.health.v1.Health' });
  watching.on('error', () => undefined);
  const statuses: string[] = [];
  const notServing = new Deferred();
  const serving = new Deferred();
  watching.on('data', ({ status: current }: { status: string }) => {
    statuses.push(current);
    (current === 'SERVING' ? serving : notServing).resolve();
  });
  await serving.promise;
  closing = server.close();
  await notServing.promise;
  expect(statuses).toEqual(['SERVING', 'NOT_SERVING']);
}

describe('F56 a server that is told to end', () => {
  it('is not ready at once, refuses new work and lets what runs finish, on both wires', async () => {
    await start();
    const rest = server.rest.post('/v2/models/gated/infer', body);
    const grpc = server.grpc.call('ModelInfer', message);
    await started.promise;
    await end();
    expect((await server.rest.get('/v2/health/ready')).status).toBe(400);
    expect(await server.grpc.call('ServerReady')).toEqual({ ready: false });
    expect((await server.rest.get('/v2/health/live')).status).toBe(200);
    expect(await server.grpc.call('ServerLive')).toEqual({ live: true });
    const refused = await server.rest.post('/v2/models/gated/infer', body);
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).not.toBeNull();
    await expect(server.grpc.call('ModelInfer', message)).rejects.toMatchObject({
      code: status.UNAVAILABLE,
      details: 'The server is shutting down and has stopped accepting new requests.',
    });
    expect(unloaded).toBe(false);
    gate.resolve();
    expect((await rest).status).toBe(200);
    expect(await grpc).toMatchObject({ id: 'i-1' });
    await closing;
    expect(unloaded).toBe(true);
  });

  it('cancels what does not finish in time as unavailable', async () => {
    await start({ SHUTDOWN_DRAIN_MS: '30' });
    const rest = server.rest.post('/v2/models/gated/infer', body);
    const grpc = server.grpc.call('ModelInfer', message).catch((error: ServiceError) => error);
    await started.promise;
    await end();
    expect((await rest).status).toBe(503);
    expect(await grpc).toMatchObject({ code: status.UNAVAILABLE });
  });

  it('finishes the requests of a stream, then ends it as unavailable', async () => {
    await start();
    const stream = server.grpc.duplex('ModelStreamInfer');
    const replies: unknown[] = [];
    stream.on('data', (reply) => replies.push(reply));
    stream.on('error', () => undefined);
    const ended = new Promise<{ code: number }>((resolve) => stream.on('status', resolve));
    stream.write(message);
    await started.promise;
    await end();
    gate.resolve();
    expect(await ended).toMatchObject({ code: status.UNAVAILABLE });
    expect(replies).toHaveLength(1);
  });

  it('ends a stream that only waits', async () => {
    await start();
    const stream = server.grpc.duplex('ModelStreamInfer');
    stream.on('error', () => undefined);
    stream.on('data', () => undefined);
    const ended = new Promise<{ code: number }>((resolve) => stream.on('status', resolve));
    gate.resolve();
    stream.write(message);
    await once(stream, 'data');
    await end();
    expect(await ended).toMatchObject({ code: status.UNAVAILABLE });
  });

  it('ends with connections open that nobody uses', async () => {
    await start();
    await server.rest.get('/v2/health/live');
    gate.resolve();
    await end();
    await closing;
  });
});

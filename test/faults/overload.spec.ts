import { status } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { int32, signature } from '#core';
import { defineModel, serve } from '#testing';
import { Deferred } from '../../src/testing/deferred.js';

const values = signature({ inputs: { x: int32(-1) }, outputs: { y: int32(-1) } });

it('F58 refuses inferences beyond the cap at once, on both wires and in streams, and takes them again', async () => {
  const [gate, started] = [new Deferred(), new Deferred()];
  const gated = defineModel('gated', values, async ({ x }) => {
    started.resolve();
    await gate.promise;
    return { y: x };
  });
  await using server = await serve([gated], { environment: { MAX_IN_FLIGHT: '1' } });
  const message = {
    model_name: 'gated',
    inputs: [{ name: 'x', datatype: 'INT32', shape: [1], contents: { int_contents: [7] } }],
  };
  const body = { inputs: [{ name: 'x', datatype: 'INT32', shape: [1], data: [7] }] };
  const running = server.grpc.call('ModelInfer', message);
  await started.promise;

  await expect(server.grpc.call('ModelInfer', message)).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  const refused = await server.rest.post('/v2/models/gated/infer', body);
  expect(refused.status).toBe(429);
  expect(refused.headers.get('retry-after')).not.toBeNull();
  const stream = server.grpc.duplex('ModelStreamInfer');
  stream.write(message);
  stream.end();
  for await (const reply of stream)
    expect(reply).toMatchObject({ error_message: expect.stringContaining('as many as it may') as string });
  expect(await server.grpc.call('ServerLive')).toEqual({ live: true });
  expect((await server.rest.get('/v2/health/live')).status).toBe(200);

  gate.resolve();
  await running;
  expect((await server.rest.post('/v2/models/gated/infer', body)).status).toBe(200);
  await server.grpc.call('ModelInfer', message);
});

it('F58 refuses each message of a stream beyond the limit of its model, and serves the others', async () => {
  const models = ['limited', 'free'].map((name) => defineModel(name, values, ({ x }) => ({ y: x })));
  await using server = await serve(models, { environment: { RATE_LIMIT_MODELS: 'limited=1/h' } });
  const stream = server.grpc.duplex('ModelStreamInfer');
  for (const model_name of ['limited', 'limited', 'free', 'free']) {
    stream.write({
      model_name,
      inputs: [{ name: 'x', datatype: 'INT32', shape: [1], contents: { int_contents: [7] } }],
    });
  }
  stream.end();
  const errors: unknown[] = [];
  for await (const reply of stream) errors.push((reply as { error_message?: string }).error_message);
  expect(errors).toHaveLength(4);
  expect(errors.filter((error) => error !== undefined)).toEqual([
    expect.stringContaining("too many requests for model 'limited' (limited=1/h)"),
  ]);
});

import { afterAll, beforeAll, expect, it } from 'vitest';
import { serve, type TestServer } from '#testing';
import { MeanModel } from './mean.model.js';

let server: TestServer;

beforeAll(async () => {
  server = await serve(MeanModel);
});

afterAll(() => server.close());

async function send(value: number, parameters: object): Promise<number | string> {
  const inputs = [{ name: 'value', datatype: 'FP32', shape: [1], data: [value] }];
  const { json } = await server.rest.post('/v2/models/mean/infer', { parameters, inputs });
  const { outputs, error } = json as { outputs?: { data: number[] }[]; error?: string };
  return outputs?.[0]?.data[0] ?? error ?? 'no answer';
}

it('remembers what came before in its own sequence', async () => {
  expect(await send(10, { sequence_id: 'kitchen', sequence_start: true })).toBe(10);
  expect(await send(3, { sequence_id: 7, sequence_start: true })).toBe(3);
  expect(await send(20, { sequence_id: 'kitchen' })).toBe(15);
  expect(await send(60, { sequence_id: 'kitchen', sequence_end: true })).toBe(30);
  expect(await send(5, { sequence_id: 7, sequence_end: true })).toBe(4);
});

it('is refused without a start', async () => {
  expect(await send(1, { sequence_id: 'cellar' })).toContain('must specify the START flag');
});

import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { fp32 } from '#core';
import { serve, type TestServer } from '#testing';
import { ScoresModel } from './scores.model.js';

let server: TestServer;

beforeAll(async () => {
  server = await serve(ScoresModel);
});

afterAll(() => server.close());

const rowsFrom = (first: number): number[] => [first, 1, 1, 4];

it('scores each row', () => {
  const x = fp32.of([2, 4], [...rowsFrom(0), ...rowsFrom(2)]);
  expect(new ScoresModel().infer({ x }, { requests: [] }).score).toEqual(fp32.of([2], [2, 3]));
});

it('runs once for requests that come together, and gives each its own rows', async () => {
  const infer = vi.spyOn(server.get(ScoresModel), 'infer');
  const requests = [0, 2, 4, 6].map((first) => server.models.infer('scores', { x: fp32.of([1, 4], rowsFrom(first)) }));
  const answers = await Promise.all(requests);
  expect(answers.map(({ score }) => score?.data[0])).toEqual([2, 3, 4, 5]);
  expect(infer).toHaveBeenCalledTimes(1);
  infer.mockRestore();
});

it('answers over both wires', async () => {
  expect(await server.rest.infer('scores', { x: [rowsFrom(0)] })).toEqual({ score: [2] });
  expect(await server.grpc.infer('scores', { x: [rowsFrom(0)] })).toEqual({ score: [2] });
});

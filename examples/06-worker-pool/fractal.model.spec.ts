import { expect, it } from 'vitest';
import { fp64, int32 } from '#core';
import { serve } from '#testing';
import { FractalModel } from './fractal.model.js';

/** Four points, one of which escapes: -1 + i. */
const picture = { corners: fp64.of([4], [-1, 0, 1, 2]), size: int32.of([2], [2, 2]) };
const ITERATIONS = [
  [1_000, 1_000],
  [3, 1_000],
];

it('counts iterations', () => {
  const { iterations } = new FractalModel().infer(picture, { signal: new AbortController().signal });
  expect(iterations).toEqual(int32.of([2, 2], ITERATIONS.flat()));
});

it('gives up when its caller has gone', () => {
  expect(() => new FractalModel().infer(picture, { signal: AbortSignal.abort() })).toThrow('aborted');
});

it('is served on both wires', async () => {
  await using server = await serve(FractalModel);
  const request = { corners: [-1, 0, 1, 2], size: [2, 2] };
  expect(await server.rest.infer('fractal', request)).toEqual({ iterations: ITERATIONS });
  expect(await server.grpc.infer('fractal', request)).toEqual({ iterations: ITERATIONS });
});

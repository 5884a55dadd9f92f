import { expect, it } from 'vitest';
import { fp32 } from '#core';
import { serve } from '#testing';
import { DoublerModel } from './doubler.model.js';

it('doubles', () => {
  expect(new DoublerModel().infer({ x: fp32.of([3], [1, 2, 3]) }).y.data).toEqual(Float32Array.of(2, 4, 6));
});

it('is served on both wires', async () => {
  await using server = await serve(DoublerModel);
  expect(await server.rest.infer('doubler', { x: [1, 2, 3] })).toEqual({ y: [2, 4, 6] });
  expect(await server.grpc.infer('doubler', { x: [1, 2, 3] })).toEqual({ y: [2, 4, 6] });
});

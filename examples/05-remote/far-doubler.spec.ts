import { expect, it } from 'vitest';
import { fp32, signature } from '#core';
import { defineModel, serve } from '#testing';

const doubler = signature({ inputs: { x: fp32(-1) }, outputs: { y: fp32(-1) } });
const Doubler = defineModel('doubler', doubler, ({ x }) => ({ y: x.map((value) => value * 2) }));

it('runs on the other server', async () => {
  await using backend = await serve(Doubler);
  const environment = {
    MODEL_REPOSITORY: import.meta.dirname,
    REMOTE_UPSTREAMS: `backend=${backend.addresses.grpc}`,
  };
  await using server = await serve([], { environment });
  expect(await server.rest.infer('far-doubler', { x: [1, 2, 3] })).toEqual({ y: [2, 4, 6] });
  expect(await server.grpc.infer('far-doubler', { x: [1, 2, 3] })).toEqual({ y: [2, 4, 6] });
});

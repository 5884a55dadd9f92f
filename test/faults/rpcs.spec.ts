import { describe, expect, it } from 'vitest';
import { loadContracts } from '../../src/protocol/grpc/contracts.js';
import { callRaw, encodeMessage } from '../support/raw-rpc.js';
import { surviving } from './survives.js';

/** F47: calls that no generated client would make. */

const server = surviving();

const SERVICE = '/inference.GRPCInferenceService';
const live = encodeMessage('ServerLive', {});

describe('grpc', () => {
  it.each([
    `${SERVICE}/Nope`,
    `${SERVICE}/serverLive`,
    `${SERVICE}/`,
    `${SERVICE}/ServerLive/`,
    '/inference.Nope/ServerLive',
    '/ServerLive',
    '/',
    '/grpc.reflection.v1.ServerReflection/Nope',
    '/__proto__/constructor',
    `/${'n'.repeat(4_000)}/x`,
  ])('F47: no rpc %s', async (path) => {
    const { status, details } = await callRaw(server(), path, [live]);
    expect([status, details]).toEqual(['UNIMPLEMENTED', expect.stringContaining(path)]);
  });

  it('F47: every rpc of the contracts that nobody serves', async () => {
    const paths = Object.values(loadContracts()).flatMap((service) =>
      Object.values(service).flatMap(({ path }: { readonly path?: string }) => path ?? []),
    );
    const served = server().rpcs;
    expect(paths).toEqual(expect.arrayContaining([...served]));
    for (const path of paths.filter((candidate) => !served.includes(candidate))) {
      expect(await callRaw(server(), path, [live])).toMatchObject({ status: 'UNIMPLEMENTED', replies: [] });
    }
  });

  it('F47: no message where one is due', async () => {
    expect(await callRaw(server(), `${SERVICE}/ServerLive`, [])).toMatchObject({
      status: 'UNIMPLEMENTED',
      replies: [],
    });
  });

  it('F47: many messages where one is due', async () => {
    for (const count of [2, 100]) {
      const { status, replies } = await callRaw(
        server(),
        `${SERVICE}/ServerLive`,
        Array.from({ length: count }, () => live),
      );
      expect([status, replies]).toEqual(['UNIMPLEMENTED', []]);
    }
  });

  it('F47: no message, and many, to an rpc that streams its replies', async () => {
    for (const messages of [[], [live, live]]) {
      expect(await callRaw(server(), '/grpc.health.v1.Health/Watch', messages)).toMatchObject({
        status: 'UNIMPLEMENTED',
      });
    }
  });

  it('F47: a caller who waits for the one reply of an rpc that streams', async () => {
    const watch = server().grpc.call('Watch', {}, { service: 'grpc.health.v1.Health', deadlineMs: 50 });
    await expect(watch).rejects.toMatchObject({ details: expect.stringMatching(/Deadline|deadline/) as unknown });
  });
});

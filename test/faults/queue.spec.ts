import { beforeEach, describe, expect, it, vi } from 'vitest';
import { fp32, signature, type Tensor } from '#core';
import { defineModel } from '#testing';
import { ModelRegistry } from '../../src/engine/registry/model-registry.js';
import { Deferred } from '../../src/testing/deferred.js';
import { infer, post, type Send, WIRES } from '../support/wires.js';
import { surviving } from './survives.js';

/** What happens to requests that wait for a model of one instance. */

const vector = signature({ inputs: { x: fp32(-1) }, outputs: { y: fp32(-1) } });

let gate: Deferred;
const slow = async ({ x }: { x: Tensor<'FP32'> }) => {
  await gate.promise;
  return { y: x };
};
const Narrow = defineModel('narrow', vector, slow, {}, { instances: 1, queue: { maxSize: 1 } });
const Hasty = defineModel('hasty', vector, slow, {}, { instances: 1, queue: { timeoutMs: 20 } });
const Leaving = defineModel('leaving', vector, slow, {}, { instances: 1 });

const server = surviving([Narrow, Hasty, Leaving]);

beforeEach(() => {
  gate = new Deferred();
});

const request = (model: string, id = '') =>
  infer({ model, id, inputs: [{ name: 'x', datatype: 'FP32', shape: [1], data: [1] }] });

/** Resolves when so many requests run or wait. */
const inFlight = (model: string, count: number): Promise<void> =>
  vi.waitFor(() => expect(server().get(ModelRegistry).resolve(model, '').scheduler.inFlight).toBe(count));

const OK = { grpc: 'OK', rest: 200 } as const;
const UNAVAILABLE = { grpc: 'UNAVAILABLE', rest: 503 } as const;

/** Sends requests one after the other, each when the one before has its place. */
async function send(model: string, sends: readonly Send[]) {
  const answers: ReturnType<Send>[] = [];
  for (const each of sends) {
    answers.push(each(server()));
    await inFlight(model, answers.length);
  }
  return answers;
}

describe.each(WIRES)('over %s', (wire) => {
  it('F58: the request that the queue has no place for is refused at once; the others are served', async () => {
    const answers = await send('narrow', [request('narrow')[wire], request('narrow')[wire]]);
    expect(await request('narrow')[wire](server())).toMatchObject({
      status: UNAVAILABLE[wire],
      message: 'Exceeds maximum queue size',
    });
    gate.resolve();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([OK[wire], OK[wire]]);
  });

  it('F58: a request that waits too long is refused, while the one before it still runs', async () => {
    const [first] = await send('hasty', [request('hasty')[wire]]);
    expect(await request('hasty')[wire](server())).toMatchObject({
      status: UNAVAILABLE[wire],
      message: 'Request timeout expired',
    });
    gate.resolve();
    expect((await first)?.status).toBe(OK[wire]);
  });

  it('F54: an unload refuses what waits, and lets finish what runs', async () => {
    const [first, second] = await send('leaving', [request('leaving')[wire], request('leaving')[wire]]);
    expect((await post('/v2/repository/models/leaving/unload')(server())).status).toBe(200);
    expect(await second).toMatchObject({ status: UNAVAILABLE[wire] });
    gate.resolve();
    expect((await first)?.status).toBe(OK[wire]);
    expect((await post('/v2/repository/models/leaving/load')(server())).status).toBe(200);
  });
});

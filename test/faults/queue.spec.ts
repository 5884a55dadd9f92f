import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type BatchContext, fp32, type InferContext, ServingError, signature, type Tensor } from '#core';
import { defineModel } from '#testing';
import { ModelRegistry } from '../../src/engine/registry/model-registry.js';
import { Deferred } from '../../src/testing/deferred.js';
import { fp32Tensor, outputsByName } from '../support/configured-folders.js';
import { infer, post, type Send, type SentInference, WIRES } from '../support/wires.js';
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

const rows = signature({ inputs: { x: fp32(-1, -1) }, outputs: { y: fp32(-1, -1), version: fp32(-1, 1) } });

/** How many requests each batch was made of. */
const batches: number[] = [];

/** Refuses a batch with any negative number in it. */
const merging = (version: string) =>
  defineModel(
    { name: 'merging', version },
    rows,
    async ({ x }, context) => {
      await gate.promise;
      batches.push((context as InferContext & BatchContext).requests.length);
      if (x.numbers().some((value) => value < 0)) throw new ServingError('invalid-argument', 'a number is negative');
      const [count = 0] = x.shape;
      const versions = Array<number>(count).fill(Number(version));
      return { y: x.map((value) => value * 10), version: fp32.of([count, 1], versions) };
    },
    {},
    { batching: { maxSize: 16 } },
  );

const server = surviving([Narrow, Hasty, Leaving, merging('1'), merging('2')]);

beforeEach(() => {
  gate = new Deferred();
  batches.length = 0;
});

const request = (model: string, id = '') =>
  infer({ model, id, inputs: [{ name: 'x', datatype: 'FP32', shape: [1], data: [1] }] });

/** Resolves when so many requests run or wait. */
const inFlight = (model: string, count: number): Promise<void> =>
  vi.waitFor(() => expect(server().get(ModelRegistry).resolve(model, '').scheduler.inFlight).toBe(count));

const inFlightOf = (model: string, version: string): number =>
  server().get(ModelRegistry).resolve(model, version).scheduler.inFlight;

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

  it('F59: what cannot share a batch runs apart, and one bad row fails its own caller alone', async () => {
    const ask = (data: number[], more: Partial<SentInference> = {}) =>
      infer({ model: 'merging', version: '1', inputs: [fp32Tensor('x', [1, data.length], data)], ...more })[wire](
        server(),
      );
    // The first one takes the instance; all others come while it runs, and stay in their order.
    const sent = [ask([1])];
    await vi.waitFor(() => expect(inFlightOf('merging', '1')).toBe(1));
    const others: Parameters<typeof ask>[] = [
      [[2]],
      [[-3]],
      [[4], { outputs: ['version'] }],
      [[5, 6]],
      [[7], { parameters: { beam: 4 } }],
      [[8], { version: '2' }],
    ];
    for (const each of others) sent.push(ask(...each));
    await vi.waitFor(() => expect([inFlightOf('merging', '1'), inFlightOf('merging', '2')]).toEqual([6, 1]));
    gate.resolve();
    expect((await Promise.all(sent)).map(outputsByName)).toEqual([
      { y: [10], version: [1] },
      { y: [20], version: [1] },
      'a number is negative',
      { version: [1] },
      { y: [50, 60], version: [1] },
      { y: [70], version: [1] },
      { y: [80], version: [2] },
    ]);
    // Three ran as one, and again each by itself; nothing else was merged.
    expect(batches.toSorted((a, b) => a - b)).toEqual([1, 1, 1, 1, 1, 1, 1, 3]);
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

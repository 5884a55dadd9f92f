import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fp32, signature } from '#core';
import { defineModel, serve, type TestServer } from '#testing';
import { Deferred } from '../../src/testing/deferred.js';
import { get, inferOver, onlyOutput, post, rpc, toMessage, WIRES } from '../support/wires.js';
import { surviving } from './survives.js';

/**
 * F21: inference while a model is loading, unloading, unloaded or failed. F54: unloading while requests run. The other
 * models do not notice.
 */

const echo = signature({ inputs: { x: fp32(1) }, outputs: { y: fp32(1) } });

const Plain = defineModel('plain', echo, ({ x }) => ({ y: x }));

const server = surviving([Plain]);

const UNREADY = { grpc: 'UNAVAILABLE', rest: 503 } as const;
const UNKNOWN = { grpc: 'NOT_FOUND', rest: 404 } as const;

const request = (model: string, version = '') => ({
  model,
  version,
  inputs: [{ name: 'x', datatype: 'FP32', shape: [1], data: [1] }],
});

const notReady = (model: string): string => `Request for unknown model: '${model}' version 1 is not at ready state`;

const message = (model: string): object => toMessage(request(model));

/** What a stream answers to each message: its error, or that it was served. */
async function stream({ grpc }: TestServer, messages: readonly object[]): Promise<string[]> {
  const call = grpc.duplex('ModelStreamInfer');
  for (const each of messages) call.write(each);
  call.end();
  const answers: string[] = [];
  for await (const reply of call) answers.push((reply as { error_message?: string }).error_message || 'served');
  return answers;
}

describe.each(WIRES)('%s', (wire) => {
  /** Inferences with and without a version, and the readiness of the model. */
  const ask = async (at: TestServer, model: string) => ({
    versioned: await inferOver[wire](at, request(model, '1')),
    unversioned: await inferOver[wire](at, request(model)),
    ready: await { grpc: rpc('ModelReady', { name: model }), rest: get(`/v2/models/${model}/ready`) }[wire](at),
  });

  const notServing = { grpc: { status: 'OK', reply: { ready: false } }, rest: { status: 400 } } as const;

  it('F21: loading', async () => {
    const loaded = new Deferred();
    const Slow = defineModel('slow', echo, ({ x }) => ({ y: x }), { load: () => loaded.promise });
    await using loading = await serve([Slow, Plain], { unready: true });

    try {
      const { versioned, unversioned, ready } = await ask(loading, 'slow');
      expect(versioned).toMatchObject({ status: UNREADY[wire], message: notReady('slow') });
      expect(unversioned).toMatchObject({ status: UNREADY[wire], message: notReady('slow') });
      expect(ready).toMatchObject(notServing[wire]);
      expect(onlyOutput(await inferOver[wire](loading, request('plain')))).toMatchObject({ shape: [1] });
    } finally {
      // A server does not close while a model is loading.
      loaded.resolve();
    }
    await loading.settled();
    expect(onlyOutput(await inferOver[wire](loading, request('slow')))).toMatchObject({ shape: [1] });
  });

  it('F21: unloading, then unloaded', async () => {
    const entered = new Deferred();
    const finished = new Deferred();
    const released = new Deferred();
    const Busy = defineModel(
      'busy',
      echo,
      async ({ x }) => {
        entered.resolve();
        await finished.promise;
        return { y: x };
      },
      { unload: () => released.resolve() },
    );
    await using unloading = await serve([Busy, Plain]);

    const running = inferOver[wire](unloading, request('busy'));
    await entered.promise;
    await unloading.grpc.call('RepositoryModelUnload', { model_name: 'busy' });
    const asked = await ask(unloading, 'busy');
    expect(asked.versioned).toMatchObject({ status: UNREADY[wire], message: notReady('busy') });
    expect(asked.unversioned).toMatchObject({ status: UNREADY[wire], message: notReady('busy') });
    expect(asked.ready).toMatchObject(notServing[wire]);

    // What runs is finished, and only then is the model released.
    finished.resolve();
    expect(onlyOutput(await running)).toMatchObject({ shape: [1] });
    await released.promise;
    const after = await ask(unloading, 'busy');
    expect(after.versioned).toMatchObject({ status: UNREADY[wire], message: notReady('busy') });
    expect(after.unversioned).toMatchObject({
      status: UNKNOWN[wire],
      message: "Request for unknown model: 'busy' has no available versions",
    });
    expect(after.ready).toMatchObject(notServing[wire]);
    expect(onlyOutput(await inferOver[wire](unloading, request('plain')))).toMatchObject({ shape: [1] });
  });

  it('F54: unloading while requests run', async () => {
    const gate = new Deferred();
    const entered = Array.from({ length: 6 }, () => new Deferred());
    const waiting = [...entered];
    const released = new Deferred<number>();
    let running = entered.length;
    const Busy = defineModel(
      'busy',
      echo,
      async ({ x }) => {
        waiting.shift()?.resolve();
        await gate.promise;
        running--;
        return { y: x };
      },
      {
        unload: () => released.resolve(running),
      },
    );
    await using unloading = await serve([Busy, Plain]);

    const streamed = stream(unloading, [message('busy'), message('busy')]);
    const requests = [0, 1].flatMap(() => WIRES.map((each) => inferOver[each](unloading, request('busy'))));
    await Promise.all(entered.map(({ promise }) => promise));
    const unload = {
      grpc: rpc('RepositoryModelUnload', { model_name: 'busy' }),
      rest: post('/v2/repository/models/busy/unload'),
    };
    expect(await unload[wire](unloading)).toMatchObject({ status: { grpc: 'OK', rest: 200 }[wire] });
    for (const each of WIRES) {
      const refused = { status: UNREADY[each], message: notReady('busy') };
      expect(await inferOver[each](unloading, request('busy'))).toMatchObject(refused);
      expect(onlyOutput(await inferOver[each](unloading, request('plain')))).toMatchObject({ shape: [1] });
    }
    expect(await stream(unloading, [message('busy')])).toEqual([notReady('busy')]);

    gate.resolve();
    for (const answer of await Promise.all(requests)) expect(onlyOutput(answer)).toMatchObject({ shape: [1] });
    expect(await streamed).toEqual(['served', 'served']);
    // What ran on would have been cut off.
    expect(await released.promise).toBe(0);
    expect(await inferOver[wire](unloading, request('busy', '1'))).toMatchObject({ status: UNREADY[wire] });
    await unloading.grpc.call('RepositoryModelLoad', { model_name: 'busy' });
    expect(onlyOutput(await inferOver[wire](unloading, request('busy')))).toMatchObject({ shape: [1] });
  });

  describe('failed', () => {
    const Failing = defineModel('failing', echo, ({ x }) => ({ y: x }), {
      load: () => Promise.reject(new Error('no weights')),
    });
    let failed: TestServer;

    beforeAll(async () => {
      failed = await serve([Failing, Plain], { unready: true });
      await failed.settled();
    });

    afterAll(() => failed.close());

    it('F21: failed', async () => {
      const { versioned, unversioned, ready } = await ask(failed, 'failing');
      expect(versioned).toMatchObject({ status: UNREADY[wire], message: notReady('failing') });
      expect(unversioned).toMatchObject({
        status: UNKNOWN[wire],
        message: "Request for unknown model: 'failing' has no available versions",
      });
      expect(ready).toMatchObject(notServing[wire]);
      expect(onlyOutput(await inferOver[wire](failed, request('plain')))).toMatchObject({ shape: [1] });
    });
  });

  it('F21: unloaded and loaded again, in the server that serves on', async () => {
    await server().grpc.call('RepositoryModelUnload', { model_name: 'plain' });
    expect(await inferOver[wire](server(), request('plain', '1'))).toMatchObject({ status: UNREADY[wire] });
    await server().grpc.call('RepositoryModelLoad', { model_name: 'plain' });
    expect(onlyOutput(await inferOver[wire](server(), request('plain')))).toMatchObject({ shape: [1] });
  });
});

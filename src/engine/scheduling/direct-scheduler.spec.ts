import { describe, expect, it } from 'vitest';
import { fp32, type InferContext, type NamedTensors } from '#core';
import { handleOf, requestOf } from '../../../test/support/engine.js';
import { FakeExecutor } from '../../../test/support/fake-executor.js';
import type { QueueOptions } from '../../core/model/scheduling.js';
import { Deferred } from '../../testing/deferred.js';
import { FakeInferenceCall } from '../../testing/fake-inference-call.js';
import type { Scheduler } from './scheduler.js';

const y = fp32.of([1], [1]);
const settled = (): Promise<void> => new Promise(setImmediate);

describe('a model of any number of instances', () => {
  const schedulerOf = (infer: (inputs: NamedTensors) => NamedTensors | Promise<NamedTensors>): Scheduler =>
    handleOf({ model: { infer } }).scheduler;
  const enqueue = (scheduler: Scheduler) => scheduler.enqueue(requestOf(), new FakeInferenceCall());

  it('runs everything at once', async () => {
    const gates = [new Deferred<NamedTensors>(), new Deferred<NamedTensors>()];
    let calls = 0;
    const scheduler = schedulerOf(() => gates[calls++]?.promise ?? {});
    const running = gates.map(() => enqueue(scheduler));
    expect([scheduler.inFlight, calls]).toEqual([2, 2]);
    gates[1]?.resolve({ y });
    await running[1];
    expect(scheduler.inFlight).toBe(1);
    gates[0]?.resolve({ y });
    await running[0];
    expect(scheduler.inFlight).toBe(0);
  });

  it('passes failures on, and counts on', async () => {
    const scheduler = schedulerOf(() => {
      throw new Error('broken');
    });
    await expect(enqueue(scheduler)).rejects.toMatchObject({ code: 'internal' });
    expect(scheduler.inFlight).toBe(0);
  });

  it('stops when what runs is done, and takes nothing more', async () => {
    const events: string[] = [];
    const gate = new Deferred<NamedTensors>();
    const scheduler = schedulerOf(() => gate.promise);
    const running = enqueue(scheduler);
    const stopped = [scheduler.stop('is served'), scheduler.stop('is refused')].map(async (stopping) => {
      await stopping;
      events.push('stopped');
    });
    await expect(enqueue(scheduler)).rejects.toMatchObject({
      code: 'unavailable',
      message: 'the model is being unloaded and takes no more requests',
    });
    events.push('last answer');
    gate.resolve({ y });
    await Promise.all([running, ...stopped]);
    expect(events).toEqual(['last answer', 'stopped', 'stopped']);
  });

  it('stops at once when nothing runs', async () => {
    const scheduler = schedulerOf(() => ({ y }));
    await enqueue(scheduler);
    await scheduler.stop('is served');
    await expect(enqueue(scheduler)).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('a model of few instances', () => {
  function start(instances = 1, queue: QueueOptions = {}) {
    const executor = new FakeExecutor(instances);
    const { scheduler } = handleOf({ executor, queue });
    const enqueue = (call = new FakeInferenceCall(), parts = {}) => scheduler.enqueue(requestOf(parts), call);
    return { executor, scheduler, enqueue };
  }

  it('runs one request on each, the others in their order', async () => {
    const { executor, enqueue } = start(2);
    const ids = ['a', 'b', 'c', 'd'];
    const results = ids.map((id) => enqueue(undefined, { id }));
    expect(executor.runs).toHaveLength(2);
    executor.runs[1]?.finish();
    await settled();
    executor.runs[2]?.finish();
    await settled();
    for (const index of [0, 3]) executor.runs[index]?.finish();
    expect((await Promise.all(results)).map(({ id }) => id)).toEqual(ids);
    expect(executor.runs.map(({ context }) => (context as InferContext).id)).toEqual(ids);
  });

  it('counts the time in the queue', async () => {
    const { executor, enqueue } = start();
    const calls = [new FakeInferenceCall(), new FakeInferenceCall()];
    const results = calls.map((call) => enqueue(call));
    await settled();
    executor.runs[0]?.finish();
    await results[0];
    executor.runs[1]?.finish();
    await results[1];
    expect(calls[0]?.timings.queueNs).toBe(0);
    expect(calls[1]?.timings.queueNs).toBeGreaterThan(0);
    expect(calls[1]?.timings.computeNs).toBeGreaterThan(0);
  });

  it('lets a caller who is gone leave the queue, without a run', async () => {
    const { executor, enqueue, scheduler } = start();
    const first = enqueue();
    const gone = new FakeInferenceCall();
    const second = enqueue(gone);
    const third = enqueue();
    gone.abort();
    await expect(second).rejects.toMatchObject({ code: 'cancelled' });
    expect(scheduler.inFlight).toBe(2);
    executor.runs[0]?.finish();
    await first;
    await settled();
    executor.runs[1]?.finish();
    await third;
    expect(executor.runs).toHaveLength(2);
  });

  it('keeps an instance until its run has ended, though its caller is gone', async () => {
    const { executor, enqueue } = start();
    const gone = new FakeInferenceCall();
    const first = enqueue(gone);
    gone.abort();
    await expect(first).rejects.toMatchObject({ code: 'cancelled' });
    const second = enqueue();
    await settled();
    expect(executor.runs).toHaveLength(1);
    executor.runs[0]?.finish();
    await settled();
    executor.runs[1]?.finish();
    await second;
  });

  it('gives the instance to the next when a caller goes between its turn and its run', async () => {
    const { executor, enqueue } = start();
    const gone = new FakeInferenceCall();
    const results = [enqueue(), enqueue(gone), enqueue()];
    results[1]?.catch(() => undefined);
    executor.runs[0]?.finish();
    gone.abort();
    await settled();
    for (const run of executor.runs.slice(1)) run.finish();
    await settled();
    for (const run of executor.runs.slice(2)) run.finish();
    await Promise.all([results[0], results[2]]);
    await expect(results[1]).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('F58: refuses at once what exceeds the queue, with a hint', async () => {
    const { executor, enqueue } = start(1, { maxSize: 2 });
    const results = [enqueue(), enqueue(), enqueue()];
    await expect(enqueue()).rejects.toMatchObject({
      code: 'unavailable',
      message: 'Exceeds maximum queue size',
      retryAfterMs: 1_000,
    });
    for (let index = 0; index < 3; index++) {
      executor.runs[index]?.finish();
      await results[index];
      await settled();
    }
    const again = enqueue();
    executor.runs[3]?.finish();
    await again;
  });

  it.each(['is served', 'is refused'] as const)('F54: what waits %s when it stops', async (waiting) => {
    const { executor, enqueue, scheduler } = start();
    const results = [enqueue(), enqueue()];
    const stopped = scheduler.stop(waiting);
    if (waiting === 'is refused') {
      await expect(results[1]).rejects.toMatchObject({ code: 'unavailable' });
    }
    executor.runs[0]?.finish();
    await results[0];
    await settled();
    if (waiting === 'is served') {
      executor.runs[1]?.finish();
      await results[1];
    }
    await stopped;
    expect(scheduler.inFlight).toBe(0);
  });

  it('refuses, and clears its queue, while the model is out of order', async () => {
    const { executor, enqueue } = start();
    const results = [enqueue(), enqueue()];
    executor.free = -1;
    executor.breakDown('its worker thread has ended');
    const refused = { code: 'unavailable', message: "model 'm' is not ready: its worker thread has ended" };
    await expect(results[1]).rejects.toMatchObject(refused);
    await expect(enqueue()).rejects.toMatchObject(refused);
    executor.free = 0;
    executor.breakDown(undefined);
    executor.runs[0]?.finish();
    await results[0];
    const next = enqueue();
    executor.runs[1]?.finish();
    await next;
  });
});

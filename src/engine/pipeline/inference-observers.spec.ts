import type { DiscoveryService } from '@nestjs/core';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { fp32, type NamedTensors, type ServableModel } from '#core';
import { captureLog } from '../../../test/support/captured-log.js';
import { type HandleParts, handleOf, requestOf } from '../../../test/support/engine.js';
import { Deferred } from '../../testing/deferred.js';
import { FakeInferenceCall } from '../../testing/fake-inference-call.js';
import { FakeInferenceObserver } from '../../testing/fake-inference-observer.js';
import { ModelRegistry } from '../registry/model-registry.js';
import { InferenceObservers } from './inference-observers.js';
import { InferencePipeline } from './inference-pipeline.js';
import { SharedTensorPort } from './shared-tensors.js';

const log = captureLog();

let registry: ModelRegistry;
let observer: FakeInferenceObserver;

beforeEach(() => {
  registry = new ModelRegistry();
  observer = new FakeInferenceObserver();
});

function serve(parts: HandleParts = {}) {
  const handle = handleOf(parts);
  registry.set(handle.name, handle.version, { kind: 'loading' });
  registry.set(handle.name, handle.version, { kind: 'ready' }, handle);
  return handle;
}

function observersOf(...instances: readonly unknown[]): InferenceObservers {
  const providers = instances.map((instance) => ({ instance }));
  const observers = new InferenceObservers({ getProviders: () => providers } as unknown as DiscoveryService);
  observers.onModuleInit();
  return observers;
}

const pipeline = (...instances: readonly unknown[]) =>
  new InferencePipeline(registry, [], new SharedTensorPort(), observersOf(...instances, {}, undefined));

const negative: ServableModel['infer'] = ({ x = fp32.of([0], []) }: NamedTensors) => {
  if (Number(x.data[0]) < 0) throw new Error('negative');
  return { y: x };
};

const of = (value: number) => requestOf({ inputs: { x: fp32.of([1], [value]) } });

it('are told of a request, its run and its response, with moments in their order', async () => {
  const handle = serve();
  const request = requestOf();
  const response = await pipeline(observer).run(request, new FakeInferenceCall());
  const [inference] = observer.inferences;
  const [execution] = observer.executions;
  if (inference === undefined || execution === undefined) throw new Error('nobody was told');
  expect(inference).toMatchObject({ model: handle, request, response, rows: 1, failure: undefined, cache: undefined });
  expect(inference.execution).toBe(execution);
  expect(execution).toMatchObject({ model: handle, rows: 1, failure: undefined });
  const { start, inputEnd, outputStart, end } = execution;
  const moments = [inference.start, inference.queueStart, start, inputEnd, outputStart, end, inference.end];
  expect(moments).toEqual(moments.toSorted((one, other) => one - other));
  expect(inference.start).toBeGreaterThan(0);
});

it('are told of failures as what the caller gets', async () => {
  serve({ model: { infer: negative } });
  await expect(pipeline(observer).run(of(-1), new FakeInferenceCall())).rejects.toThrow();
  expect(observer.executions[0]?.failure).toMatchObject({ code: 'internal' });
  expect(observer.inferences[0]).toMatchObject({ failure: { code: 'internal' }, response: undefined });
});

it('are told once of a batch, and each of its requests knows its run', async () => {
  serve({ scheduling: { batching: { maxSize: 8 } } });
  const run = pipeline(observer);
  await Promise.all([1, 2, 3].map((value) => run.run(of(value), new FakeInferenceCall())));
  expect(observer.executions.map(({ rows }) => rows)).toEqual([3]);
  expect(new Set(observer.inferences.map(({ execution }) => execution))).toEqual(new Set(observer.executions));
});

it('are told of each run of a batch that failed', async () => {
  serve({ model: { infer: negative }, scheduling: { batching: { maxSize: 8 } } });
  const run = pipeline(observer);
  await Promise.allSettled([-1, 2].map((value) => run.run(of(value), new FakeInferenceCall())));
  expect(observer.executions.map(({ rows, failure }) => [rows, failure === undefined])).toEqual([
    [2, false],
    [1, false],
    [1, true],
  ]);
  expect(observer.inferences.map(({ failure, execution }) => [failure === undefined, execution?.rows])).toEqual([
    [false, 1],
    [true, 1],
  ]);
});

describe('of a decoupled model', () => {
  const two: ServableModel = {
    *stream({ x = fp32.of([0], []) }) {
      yield { y: x };
      if (Number(x.data[0]) < 0) throw new Error('negative');
      yield { y: x };
    },
  };
  const outcomes = () => observer.responses.map(({ index, outcome }) => `${index} ${outcome}`);

  it('are told of every response and of the end', async () => {
    serve({ model: two });
    for await (const _ of pipeline(observer).stream(of(1), new FakeInferenceCall()))
      expect(observer.inferences).toEqual([]);
    expect(outcomes()).toEqual(['0 made', '1 made', '2 end']);
    expect(observer.inferences).toMatchObject([{ failure: undefined, execution: { failure: undefined } }]);
  });

  it('are told of a failure at its place', async () => {
    serve({ model: two });
    const taking = async () => {
      for await (const _ of pipeline(observer).stream(of(-1), new FakeInferenceCall()));
    };
    await expect(taking()).rejects.toThrow();
    expect(outcomes()).toEqual(['0 made', '1 failed']);
    expect(observer.inferences).toMatchObject([{ failure: { code: 'internal' } }]);
  });

  it('are told that nobody takes the rest', async () => {
    serve({ model: two });
    for await (const _ of pipeline(observer).stream(of(1), new FakeInferenceCall())) break;
    expect(outcomes()).toEqual(['0 made', '1 cancelled']);
    expect(observer.inferences).toMatchObject([{ failure: { code: 'cancelled' } }]);
    expect(observer.executions).toMatchObject([{ failure: { code: 'cancelled' } }]);
  });
});

it('harm neither the request nor each other', async () => {
  serve();
  const broken = new FakeInferenceObserver();
  vi.spyOn(broken, 'executed').mockImplementation(() => {
    throw new Error('no disk');
  });
  const response = await pipeline(broken, observer).run(requestOf(), new FakeInferenceCall());
  expect(response.outputs).toHaveLength(1);
  expect([broken.inferences.length, observer.executions.length, observer.inferences.length]).toEqual([1, 1, 1]);
  expect(log()).toContain('FakeInferenceObserver failed to take note of an inference');
});

it('are told that a request starts, where they want to know, and whose model asked for it', async () => {
  serve();
  const started: unknown[] = [];
  class EarlyObserver extends FakeInferenceObserver {
    override started(...told: unknown[]): void {
      started.push(told);
      if (told.length > 2) throw new Error('too much');
    }
  }
  const call = new FakeInferenceCall();
  await pipeline(observer, new EarlyObserver()).run(requestOf(), call);
  expect(started).toEqual([[observer.inferences[0], call]]);
  expect(observersOf(observer).observer).not.toHaveProperty('started');
});

it('come and go; a request that runs is told to its end', async () => {
  const gate = new Deferred();
  serve({ model: { infer: async ({ x = fp32.of([0], []) }: NamedTensors) => gate.promise.then(() => ({ y: x })) } });
  const observers = observersOf();
  const engine = new InferencePipeline(registry, [], new SharedTensorPort(), observers);
  observers.add(observer);
  const running = engine.run(requestOf(), new FakeInferenceCall());
  observers.remove(observer);
  expect(observers.observer).toBeUndefined();
  gate.resolve();
  await running;
  await engine.run(requestOf(), new FakeInferenceCall());
  expect(observer.inferences).toHaveLength(1);
});

it('that are not there cost nothing: no moment is read for them, and nothing is kept', async () => {
  serve();
  const clock = vi.spyOn(performance, 'now');
  const call = new FakeInferenceCall();
  await pipeline().run(requestOf(), call);
  // When the model began and ended, which the access log tells.
  expect(clock).toHaveBeenCalledTimes(2);
  clock.mockRestore();
  expect(call.timings).not.toHaveProperty('observed');
});

import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  type BatchContext,
  type BatchingOptions,
  type Signature,
  fp32,
  optional,
  type NamedTensors,
  ServingError,
  signature,
  type Tensor,
} from '#core';
import { handleOf, requestOf } from '../../../../test/support/engine.js';
import { FakeExecutor } from '../../../../test/support/fake-executor.js';
import type { InferenceRequest } from '../../../core/inference/request.js';
import type { InferenceResponse } from '../../../core/inference/response.js';
import type { QueueOptions } from '../../../core/model/scheduling.js';
import { FakeInferenceCall } from '../../../testing/fake-inference-call.js';

const rows = signature({ inputs: { x: fp32(-1, 2) }, outputs: { y: fp32(-1, 2) } });
const settled = (): Promise<void> => new Promise(setImmediate);

/** A request of some rows, each of which holds two numbers that tell it from all others. */
const rowsOf = (seed: number, count = 1, parts: Partial<InferenceRequest> = {}): InferenceRequest =>
  requestOf({
    id: String(seed),
    inputs: {
      x: fp32.of(
        [count, 2],
        Array.from({ length: 2 * count }, (_, index) => 10 * seed + index),
      ),
    },
    ...parts,
  });

const numbersOf = ({ outputs: [output] }: InferenceResponse): number[] =>
  output === undefined ? [] : (output.tensor as Tensor<'FP32'>).numbers();

function start(
  batching: Partial<BatchingOptions> = {},
  instances = 1,
  queue: QueueOptions = {},
  declared: Signature = rows,
) {
  const executor = new FakeExecutor(instances);
  const scheduling = { batching: { maxSize: 4, ...batching } };
  const { scheduler } = handleOf({ executor, signature: declared, scheduling, queue });
  const enqueue = (request: InferenceRequest, call = new FakeInferenceCall()) => scheduler.enqueue(request, call);
  /** Ends a run with its inputs as outputs. */
  const echo = (index: number): void =>
    executor.runs[index]?.finish({ y: executor.runs[index].inputs['x'] } as NamedTensors);
  const contextOf = (index: number) =>
    executor.runs.map(({ context }) => context as BatchContext)[index] as BatchContext;
  const sizes = () => executor.runs.map(({ inputs }) => inputs['x']?.shape[0]);
  return { executor, scheduler, enqueue, echo, sizes, contextOf };
}

afterEach(() => {
  vi.useRealTimers();
});

it('merges what comes together, and gives to each its own rows', async () => {
  const { enqueue, echo, sizes, contextOf } = start();
  const requests = [rowsOf(1), rowsOf(2, 2), rowsOf(3)];
  const results = requests.map((request) => enqueue(request));
  await settled();
  expect(sizes()).toEqual([4]);
  const { requests: told } = contextOf(0);
  expect(told.map(({ id, rows: count }) => [id, count])).toEqual([
    ['1', 1],
    ['2', 2],
    ['3', 1],
  ]);
  told[1]?.response.parameters.set('tokens', 7);
  echo(0);
  const responses = await Promise.all(results);
  expect(responses.map(numbersOf)).toEqual([
    [10, 11],
    [20, 21, 22, 23],
    [30, 31],
  ]);
  expect(responses.map(({ id, parameters }) => [id, parameters.get('tokens')])).toEqual([
    ['1', undefined],
    ['2', 7],
    ['3', undefined],
  ]);
});

it('fills the next batch while one runs', async () => {
  const { enqueue, echo, sizes } = start();
  const first = enqueue(rowsOf(1));
  await settled();
  const others = [2, 3, 4, 5, 6].map((seed) => enqueue(rowsOf(seed)));
  await settled();
  expect(sizes()).toEqual([1]);
  echo(0);
  await first;
  expect(sizes()).toEqual([1, 4]);
  echo(1);
  echo(2);
  await Promise.all(others);
  expect(sizes()).toEqual([1, 4, 1]);
});

describe('the delay', () => {
  it('lets requests join, up to the largest size', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const { enqueue, echo, sizes } = start({ maxDelayMs: 5 });
    const first = [enqueue(rowsOf(1)), enqueue(rowsOf(2))];
    await settled();
    vi.advanceTimersByTime(4);
    expect(sizes()).toEqual([]);
    vi.advanceTimersByTime(2);
    expect(sizes()).toEqual([2]);
    echo(0);
    await Promise.all(first);
    const full = [3, 4, 5, 6].map((seed) => enqueue(rowsOf(seed)));
    await settled();
    expect(sizes()).toEqual([2, 4]);
    echo(1);
    await Promise.all(full);
  });

  it('is not waited for at a preferred size', async () => {
    const { enqueue, echo, sizes } = start({ maxDelayMs: 60_000, preferredSizes: [2] });
    const results = [enqueue(rowsOf(1)), enqueue(rowsOf(2))];
    await settled();
    expect(sizes()).toEqual([2]);
    echo(0);
    await Promise.all(results);
  });

  it('may be shorter than a timer counts', async () => {
    const { enqueue, echo, executor } = start({ maxDelayMs: 0.2 });
    const result = enqueue(rowsOf(1));
    await vi.waitFor(() => expect(executor.runs).toHaveLength(1));
    echo(0);
    await result;
  });

  it('ends when the model is unloaded', async () => {
    const { enqueue, echo, scheduler, sizes } = start({ maxDelayMs: 60_000 });
    const result = enqueue(rowsOf(1));
    await settled();
    const stopped = scheduler.stop('is served');
    expect(sizes()).toEqual([1]);
    echo(0);
    await Promise.all([result, stopped]);
  });
});

describe('F59: requests that cannot share a batch', () => {
  const x = (...shape: number[]) => fp32.of(shape, new Float32Array(shape.reduce((a, b) => a * b, 1)));
  const ofAnyWidth = signature({ inputs: { x: fp32(-1, -1) }, outputs: { y: fp32(-1, 2) } });
  const withNote = signature({ inputs: { x: fp32(-1, 2), z: optional(fp32(-1)) }, outputs: { y: fp32(-1, 2) } });

  it.each<[string, InferenceRequest, Signature]>([
    ['of another shape', requestOf({ inputs: { x: x(1, 1, 2) } }), ofAnyWidth],
    ['of other inputs', requestOf({ inputs: { x: x(1, 2), z: x(1) } }), withNote],
    ['of other parameters', rowsOf(2, 1, { parameters: new Map([['beam', 4]]) }), rows],
    ['of more rows than are left', rowsOf(2, 4), rows],
  ])('%s, run after each other', async (_, other, declared) => {
    const { enqueue, echo, executor, sizes } = start({}, 1, {}, declared);
    const results = [enqueue(rowsOf(1)), enqueue(other)];
    await settled();
    expect(sizes()).toEqual([1]);
    echo(0);
    await results[0];
    executor.runs[1]?.finish({
      y: fp32.of(
        [other.inputs['x']?.shape[0] ?? 0, 2],
        new Float32Array(8).subarray(0, 2 * (other.inputs['x']?.shape[0] ?? 0)),
      ),
    });
    await results[1];
  });

  it('but for their outputs, which each picks from the batch', async () => {
    const { enqueue, echo, sizes } = start();
    const results = [enqueue(rowsOf(1)), enqueue(rowsOf(2, 1, { outputs: [{ name: 'y', parameters: new Map() }] }))];
    await settled();
    expect(sizes()).toEqual([2]);
    echo(0);
    expect((await Promise.all(results)).map(numbersOf)).toEqual([
      [10, 11],
      [20, 21],
    ]);
  });
});

describe('a batch that fails', () => {
  it('F59: is run again, each request by itself: one bad row fails only its own', async () => {
    const { enqueue, executor } = start();
    const results = [1, 2, 3].map((seed) => enqueue(rowsOf(seed)));
    results[1]?.catch(() => undefined);
    await settled();
    executor.runs[0]?.fail(new ServingError('invalid-argument', 'a bad row'));
    for (let index = 1; index < 4; index++) {
      await vi.waitFor(() => expect(executor.runs).toHaveLength(index + 1));
      const run = executor.runs[index];
      if (index === 2) run?.fail(new ServingError('invalid-argument', 'the bad row'));
      else run?.finish({ y: run.inputs['x'] } as NamedTensors);
    }
    expect(numbersOf((await results[0]) as InferenceResponse)).toEqual([10, 11]);
    await expect(results[1]).rejects.toMatchObject({ code: 'invalid-argument', message: 'the bad row' });
    expect(numbersOf((await results[2]) as InferenceResponse)).toEqual([30, 31]);
  });

  it('is not run again for who has gone', async () => {
    const { enqueue, executor, scheduler } = start();
    const gone = new FakeInferenceCall();
    const results = [enqueue(rowsOf(1), gone), enqueue(rowsOf(2))];
    await settled();
    gone.abort();
    await expect(results[0]).rejects.toMatchObject({ code: 'cancelled' });
    expect(scheduler.inFlight).toBe(1);
    executor.runs[0]?.fail(new Error('broken'));
    await vi.waitFor(() => expect(executor.runs).toHaveLength(2));
    executor.runs[1]?.finish({ y: executor.runs[1].inputs['x'] } as NamedTensors);
    expect(numbersOf((await results[1]) as InferenceResponse)).toEqual([20, 21]);
    expect(scheduler.inFlight).toBe(0);
  });

  it('is not run again for who goes before it is', async () => {
    const { enqueue, executor, echo } = start();
    const gone = new FakeInferenceCall();
    const results = [enqueue(rowsOf(1)), enqueue(rowsOf(2), gone), enqueue(rowsOf(3))];
    await settled();
    executor.runs[0]?.fail(new Error('broken'));
    await vi.waitFor(() => expect(executor.runs).toHaveLength(2));
    gone.abort();
    echo(1);
    await expect(results[1]).rejects.toMatchObject({ code: 'cancelled' });
    await vi.waitFor(() => expect(executor.runs).toHaveLength(3));
    echo(2);
    expect((await Promise.all([results[0], results[2]])).map((response) => response && numbersOf(response))).toEqual([
      [10, 11],
      [30, 31],
    ]);
  });

  it('does not count the run that failed as time in the queue', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const { enqueue, executor, echo } = start();
    const call = new FakeInferenceCall();
    const results = [enqueue(rowsOf(1), call), enqueue(rowsOf(2))];
    await settled();
    vi.advanceTimersByTime(50);
    executor.runs[0]?.fail(new Error('broken'));
    for (const index of [1, 2]) {
      while (executor.runs.length <= index) await settled();
      echo(index);
    }
    await Promise.all(results);
    expect(call.timings.queueNs).toBe(0);
  });

  it('names outputs of another number of rows', async () => {
    const { enqueue, executor } = start();
    const result = enqueue(rowsOf(1));
    await settled();
    executor.runs[0]?.finish({ y: fp32.of([2, 2], [1, 2, 3, 4]) });
    await expect(result).rejects.toMatchObject({
      code: 'internal',
      message: "model 'm' returned output 'y' of 2 rows for a batch of 1",
    });
  });
});

describe('a caller who goes', () => {
  it('while the batch runs is answered, and counted, once', async () => {
    const { enqueue, echo, scheduler } = start();
    const calls = [new FakeInferenceCall(), new FakeInferenceCall()];
    const results = calls.map((call, index) => enqueue(rowsOf(index), call));
    await settled();
    calls[0]?.abort();
    await expect(results[0]).rejects.toMatchObject({ code: 'cancelled' });
    echo(0);
    await results[1];
    expect(scheduler.inFlight).toBe(0);
  });

  it('is not listened to any more behind the answer', async () => {
    const { enqueue, echo } = start();
    const call = new FakeInferenceCall();
    const listening = vi.spyOn(call.signal, 'addEventListener');
    const leaving = vi.spyOn(call.signal, 'removeEventListener');
    const result = enqueue(rowsOf(1), call);
    await settled();
    echo(0);
    await result;
    await settled();
    expect(listening.mock.calls.length).toBeGreaterThan(0);
    expect(leaving.mock.calls.map(([, listener]) => listener)).toEqual(
      listening.mock.calls.map(([, listener]) => listener),
    );
  });

  it('leaves the queue, and the others fill its place', async () => {
    const { enqueue, echo, sizes } = start({ maxSize: 2 });
    const gone = new FakeInferenceCall();
    const results = [enqueue(rowsOf(1), gone), enqueue(rowsOf(2)), enqueue(rowsOf(3))];
    gone.abort();
    await expect(results[0]).rejects.toMatchObject({ code: 'cancelled' });
    await settled();
    expect(sizes()).toEqual([2]);
    echo(0);
    expect((await Promise.all(results.slice(1))).map(numbersOf)).toEqual([
      [20, 21],
      [30, 31],
    ]);
  });

  it('ends the batch only with the last one', async () => {
    const { enqueue, contextOf, echo } = start();
    const calls = [new FakeInferenceCall(), new FakeInferenceCall()];
    const results = calls.map((call, index) => enqueue(rowsOf(index), call));
    await settled();
    const { signal } = contextOf(0);
    for (const [index, call] of calls.entries()) {
      expect(signal.aborted).toBe(false);
      call.abort();
      await expect(results[index]).rejects.toMatchObject({ code: 'cancelled' });
    }
    expect(signal.aborted).toBe(true);
    echo(0);
  });
});

it('answers in the order of the requests where that is asked for', async () => {
  const { enqueue, echo } = start({ maxSize: 1, preserveOrdering: true }, 2);
  const answered: number[] = [];
  const results = [1, 2].map((seed) => enqueue(rowsOf(seed)).then(() => answered.push(seed)));
  await settled();
  echo(1);
  await settled();
  expect(answered).toEqual([]);
  echo(0);
  await Promise.all(results);
  expect(answered).toEqual([1, 2]);
});

it('puts the urgent first', async () => {
  const { enqueue, echo, executor } = start({ maxSize: 1 }, 1, { priorityLevels: 2 });
  const results = [2, 2, 1].map((priority, index) =>
    enqueue(rowsOf(index, 1, { parameters: new Map([['priority', priority]]) })),
  );
  await settled();
  for (const index of [0, 1, 2]) {
    echo(index);
    await settled();
  }
  await Promise.all(results);
  expect(executor.runs.map(({ context }) => (context as BatchContext).requests[0]?.id)).toEqual(['2', '0', '1']);
});

it('F54: refuses what waits when the model is unloaded, and finishes what runs', async () => {
  const { enqueue, echo, scheduler } = start({ maxSize: 1 });
  const results = [enqueue(rowsOf(1)), enqueue(rowsOf(2))];
  await settled();
  const stopped = scheduler.stop('is refused');
  await expect(results[1]).rejects.toMatchObject({ code: 'unavailable' });
  echo(0);
  await Promise.all([results[0], stopped]);
});

it('refuses all while the model is out of order', async () => {
  const { enqueue, executor } = start();
  const result = enqueue(rowsOf(1));
  executor.free = 0;
  executor.breakDown('no thread');
  await expect(result).rejects.toMatchObject({ code: 'unavailable', message: "model 'm' is not ready: no thread" });
  await expect(enqueue(rowsOf(2))).rejects.toMatchObject({ code: 'unavailable' });
});

it('gives what the model gives without batching, row for row, whoever comes when', async () => {
  const request = fc.record({
    rows: fc.integer({ min: 1, max: 5 }),
    seed: fc.oneof(fc.integer({ min: 0, max: 999 }), fc.constant(500)),
    cancels: fc.boolean(),
    waits: fc.boolean(),
    priority: fc.integer({ min: 0, max: 3 }),
  });
  const infer = ({ x }: NamedTensors): NamedTensors => {
    if (x === undefined) throw new Error('no input');
    if ((x.data as Float32Array).includes(5_000)) throw new ServingError('invalid-argument', 'a bad row');
    return {
      y: fp32.of(
        x.shape,
        (x.data as Float32Array).map((value) => 3 * value + 1),
      ),
    };
  };
  const options = fc.record({
    maxSize: fc.integer({ min: 5, max: 12 }),
    preferredSizes: fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 2 }),
    preserveOrdering: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(request, { maxLength: 20 }),
      options,
      fc.boolean(),
      async (requests, batching, isAsync) => {
        const model = { infer: isAsync ? async (inputs: NamedTensors) => Promise.resolve(infer(inputs)) : infer };
        const { scheduler } = handleOf({
          model,
          signature: rows,
          scheduling: { batching },
          queue: { priorityLevels: 3 },
        });
        const results: Promise<unknown>[] = [];
        for (const [index, { rows: count, seed, cancels, waits, priority }] of requests.entries()) {
          const call = new FakeInferenceCall();
          const sent = rowsOf(seed, count, {
            id: String(index),
            parameters: new Map([['priority', priority]]),
          });
          const expected = Array.from((sent.inputs['x'] as Tensor<'FP32'>).data);
          results.push(
            scheduler.enqueue(sent, call).then(
              (response) => {
                expect(response.id).toBe(String(index));
                expect(numbersOf(response)).toEqual(expected.map((value) => 3 * value + 1));
              },
              (failure: unknown) => {
                const bad = expected.includes(5_000);
                if (!cancels) expect((failure as ServingError).code).toBe('invalid-argument');
                expect(bad || cancels).toBe(true);
              },
            ),
          );
          if (waits) await settled();
          if (cancels) call.abort();
        }
        await Promise.all(results);
        expect(scheduler.inFlight).toBe(0);
      },
    ),
    { numRuns: 50 },
  );
});

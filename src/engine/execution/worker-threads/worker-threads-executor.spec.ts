import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { handleOf } from '../../../../test/support/engine.js';
import { cancelled } from '../../../core/errors/catalogue.js';
import { ServingError } from '../../../core/errors/serving-error.js';
import type { CallTimings } from '../../../core/inference/call.js';
import type { InferContext } from '../../../core/inference/context.js';
import { Execution } from '../../../core/inference/inference-observer.js';
import { fp32 } from '../../../core/tensor/kinds.js';
import type { NamedTensors } from '../../../core/tensor/tensor.js';
import { Deferred } from '../../../testing/deferred.js';
import type { RunRequest, RunResult, Started } from './exchange/messages.js';
import { packOutputs, unpackTensors } from './exchange/packed-tensors.js';
import { ThreadEnded } from './worker-thread.js';
import { WorkerThreadsExecutor } from './worker-threads-executor.js';

const never = new AbortController().signal;
const x = fp32.of([2], [1, 2]);

let running: { request: RunRequest; answer: Deferred<RunResult> }[];
let ends: ((reason: ThreadEnded) => void)[];
let started: Started;
const logged = vi.fn();

beforeEach(() => {
  [running, ends] = [[], []];
  started = { inputs: [], outputs: [], decoupled: false };
  logged.mockReset();
  vi.spyOn(Logger.prototype, 'error').mockImplementation(logged);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

async function executorOf(size = 1): Promise<WorkerThreadsExecutor> {
  const executor = new WorkerThreadsExecutor({
    size,
    start: { source: { kind: 'class', module: 'file:///m.js' }, name: 'm', version: '1' },
    spawn: ({ onEnd }) => {
      ends.push(onEnd);
      return {
        run: (name: string, request: unknown): Promise<never> => {
          if (name !== 'infer') return Promise.resolve(name === 'start' ? started : undefined) as Promise<never>;
          const answer = new Deferred<RunResult>();
          running.push({ request: request as RunRequest, answer });
          return answer.promise as Promise<never>;
        },
        close: () => Promise.resolve(),
      };
    },
  });
  await executor.startFirst(never, false);
  await executor.startOthers(never);
  return executor;
}

const contextOf = (signal: AbortSignal = never): InferContext => ({
  id: 'i-1',
  signal,
  deadline: Infinity,
  parameters: new Map([['p', true]]),
  principal: { name: 'ci', roles: ['tester'] },
  response: { parameters: new Map() },
});

const timingsOf = (): CallTimings => ({ queueNs: 0, computeNs: 0 });

function infer(executor: WorkerThreadsExecutor, context = contextOf(), timings = timingsOf()): Promise<NamedTensors> {
  return Promise.resolve(executor.infer?.({ x }, context, timings)) as Promise<NamedTensors>;
}

function answer(index: number, computeNs = 0): void {
  const { tensors } = packOutputs('m', { y: fp32.of([1], [index]) });
  running[index]?.answer.resolve({ outputs: tensors, parameters: [new Map([['n', index]])], computeNs });
}

it('sends the request, and gives back outputs and parameters', async () => {
  const context = contextOf();
  const result = infer(await executorOf(), context);
  await vi.waitFor(() => expect(running).toHaveLength(1));
  const { inputs, requests } = running[0]?.request ?? ({} as RunRequest);
  expect(unpackTensors(inputs)).toEqual({ x });
  expect(requests).toEqual([
    {
      id: 'i-1',
      deadline: Infinity,
      parameters: new Map([['p', true]]),
      principal: { name: 'ci', roles: ['tester'] },
      rows: 0,
    },
  ]);
  answer(0);
  expect(await result).toEqual({ y: fp32.of([1], [0]) });
  expect(context.response.parameters).toEqual(new Map([['n', 0]]));
});

it('tells observers that the model ran for as long as the thread says', async () => {
  const execution = new Execution(handleOf(), 1, performance.now());
  const result = infer(await executorOf(), contextOf(), { ...timingsOf(), execution });
  await vi.waitFor(() => expect(running).toHaveLength(1));
  const before = performance.now();
  answer(0, 1_000_000_000);
  await result;
  expect(execution.inputEnd).toBeGreaterThanOrEqual(before - 1_000);
  expect(execution.inputEnd).toBeLessThanOrEqual(performance.now() - 1_000);
});

it('runs one request in each thread, and tells when one is free', async () => {
  const executor = await executorOf(2);
  const frees: number[] = [];
  executor.onChange(() => frees.push(executor.free));
  const results = [infer(executor), infer(executor)];
  expect(executor.free).toBe(0);
  await expect(infer(executor)).rejects.toMatchObject({ code: 'unavailable' });
  await vi.waitFor(() => expect(running).toHaveLength(2));
  answer(1);
  await results[1];
  answer(0);
  await results[0];
  expect(frees).toEqual([1, 2]);
});

it('counts as waiting what was not the run itself', async () => {
  const timings = timingsOf();
  const result = infer(await executorOf(), contextOf(), timings);
  await vi.waitFor(() => expect(running).toHaveLength(1));
  const before = performance.now();
  answer(0, 1_000);
  await result;
  expect(timings.queueNs).toBeGreaterThan(0);
  expect(timings.queueNs).toBe(-timings.computeNs);
  expect(before).toBeGreaterThan(0);
});

describe('a caller who is gone', () => {
  it('takes no thread', async () => {
    const signal = AbortSignal.abort(cancelled());
    await expect(infer(await executorOf(), contextOf(signal))).rejects.toMatchObject({ code: 'cancelled' });
    expect(running).toEqual([]);
  });

  it('keeps the thread until the run has ended', async () => {
    const executor = await executorOf();
    const gone = new AbortController();
    const first = infer(executor, contextOf(gone.signal));
    await vi.waitFor(() => expect(running).toHaveLength(1));
    gone.abort(cancelled());
    await Promise.resolve();
    expect(executor.free).toBe(0);
    answer(0);
    await first;
    expect(executor.free).toBe(1);
  });
});

describe('a thread that ends', () => {
  it('fails its request, naming the model', async () => {
    const executor = await executorOf();
    const first = infer(executor);
    await vi.waitFor(() => expect(running).toHaveLength(1));
    const ended = new ThreadEnded('the worker thread ended with code 3');
    running[0]?.answer.reject(ended);
    ends[0]?.(ended);
    await expect(first).rejects.toMatchObject({
      code: 'unavailable',
      message: "model 'm': the worker thread that ran the request has ended",
    });
    expect(executor.outage).toBe('its worker thread has ended and is being started again');
    await expect(infer(executor)).rejects.toBeInstanceOf(ServingError);
  });

  it('is an outage only with the last one, and its end is told as well', async () => {
    vi.useFakeTimers();
    const executor = await executorOf(2);
    const told: (string | undefined)[] = [];
    executor.onChange(() => {
      if (executor.outage !== told.at(-1)) told.push(executor.outage);
    });
    ends[0]?.(new ThreadEnded('gone'));
    expect([executor.outage, told]).toEqual([undefined, []]);
    ends[1]?.(new ThreadEnded('gone'));
    expect(told).toEqual(['its worker thread has ended and is being started again']);
    await vi.advanceTimersByTimeAsync(100);
    expect(told).toEqual([expect.any(String), undefined]);
  });

  it('is told to the log with what ended it', async () => {
    await executorOf();
    ends[0]?.(new ThreadEnded('the worker thread ended with code 1: boom', { cause: new Error('boom') }));
    expect(logged).toHaveBeenCalledWith(
      {
        message: 'the worker thread ended with code 1: boom; the next start is in 100 ms',
        model: 'm',
        version: '1',
      },
      expect.stringContaining('boom'),
    );
  });
});

it('is out when every run hangs', async () => {
  vi.useFakeTimers();
  const executor = await executorOf();
  const gone = new AbortController();
  const hanging = infer(executor, contextOf(gone.signal));
  await vi.advanceTimersByTimeAsync(0);
  gone.abort(cancelled());
  await vi.advanceTimersByTimeAsync(10_000);
  expect(executor.outage).toBe('all its worker threads are held by runs that do not end');
  await expect(infer(executor)).rejects.toMatchObject({ code: 'unavailable' });
  answer(0);
  await hanging;
  expect(executor.outage).toBeUndefined();
});

it('streams where its model does, and only then', async () => {
  expect(await executorOf()).toMatchObject({ infer: expect.any(Function) as unknown });
  expect((await executorOf()).stream).toBeUndefined();
  started = { ...started, decoupled: true };
  const executor = await executorOf();
  expect([executor.infer, typeof executor.stream]).toEqual([undefined, 'function']);
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cancelled } from '../../../core/errors/catalogue.js';
import type { Started } from './exchange/messages.js';
import { ThreadSlot } from './thread-slot.js';
import { ThreadEnded } from './worker-thread.js';

const started: Started = { inputs: [], outputs: [], decoupled: false };
const never = new AbortController().signal;

/** Threads that are none: what they do is what the test says. */
let ends: ((reason: ThreadEnded) => void)[];
let tasks: string[];
let closed: number;
let start: () => Promise<Started>;
let run: () => Promise<unknown>;
let failures: [string, number][];
let changes: number;
let slot: ThreadSlot;

beforeEach(() => {
  vi.useFakeTimers();
  [ends, tasks, failures, closed, changes] = [[], [], [], 0, 0];
  start = () => Promise.resolve(started);
  run = () => Promise.resolve(undefined);
  slot = new ThreadSlot({
    spawn: ({ onEnd }) => {
      ends.push(onEnd);
      return {
        run: (name: string): Promise<never> => {
          tasks.push(name);
          return (name === 'start' ? start() : run()) as Promise<never>;
        },
        close: () => {
          closed++;
          return Promise.resolve();
        },
      };
    },
    start: { source: { kind: 'class', module: 'file:///m.js' }, name: 'm', version: '1' },
    onChange: () => void changes++,
    onFailure: (failure, retryInMs) => void failures.push([failure.message, retryInMs]),
  });
});

afterEach(() => {
  vi.useRealTimers();
});

const die = (text = 'the worker thread ended with code 1') => ends.at(-1)?.(new ThreadEnded(text));

it('starts its thread, and is idle', async () => {
  expect(slot.state).toBe('closed');
  const starting = slot.start(never);
  expect(slot.state).toBe('starting');
  expect(await starting).toBe(started);
  expect([slot.state, tasks]).toEqual(['idle', ['start']]);
});

it('leaves nothing behind when the first start fails', async () => {
  start = () => Promise.reject(new Error('no weights'));
  await expect(slot.start(never)).rejects.toThrow('no weights');
  expect(closed).toBe(1);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(ends).toHaveLength(1);
  await slot.close();
  expect(tasks).toEqual(['start']);
});

describe('a thread that ends', () => {
  beforeEach(() => slot.start(never));

  it('is started again after a pause that doubles, up to ten seconds', async () => {
    start = () => Promise.reject(new Error('no weights'));
    die();
    expect(slot.state).toBe('down');
    for (const pause of [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]) {
      const before = ends.length;
      await vi.advanceTimersByTimeAsync(pause - 1);
      expect(ends).toHaveLength(before);
      await vi.advanceTimersByTimeAsync(1);
      expect(ends).toHaveLength(before + 1);
    }
    expect(failures.slice(0, 2)).toEqual([
      ['the worker thread ended with code 1', 100],
      ['no weights', 200],
    ]);
    start = () => Promise.resolve(started);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(slot.state).toBe('idle');
  });

  it('pauses longer when it ends before it has served, and not once it has', async () => {
    die();
    await vi.advanceTimersByTimeAsync(100);
    die();
    expect(failures.at(-1)?.[1]).toBe(200);
    await vi.advanceTimersByTimeAsync(200);
    const lease = slot.take(never);
    await lease.run('unload', undefined);
    lease.giveBack();
    die();
    expect(failures.at(-1)?.[1]).toBe(100);
  });

  it('takes its lease along: it neither runs in the next thread, nor frees it', async () => {
    const lease = slot.take(never);
    die();
    await vi.advanceTimersByTimeAsync(100);
    const next = slot.take(never);
    await expect(lease.run('next', undefined)).rejects.toThrow(ThreadEnded);
    lease.giveBack();
    expect(slot.state).toBe('busy');
    next.giveBack();
    expect(slot.state).toBe('idle');
  });

  it('is noticed once, and not by who closes it', async () => {
    await slot.close();
    die();
    expect(failures).toEqual([]);
    expect(slot.state).toBe('closed');
  });
});

describe('a run whose caller has gone', () => {
  let caller: AbortController;

  beforeEach(async () => {
    caller = new AbortController();
    await slot.start(never);
  });

  it('holds the thread, and is taken to hang after ten seconds', async () => {
    const lease = slot.take(caller.signal);
    caller.abort(cancelled());
    await vi.advanceTimersByTimeAsync(9_999);
    expect(slot.state).toBe('busy');
    await vi.advanceTimersByTimeAsync(1);
    expect(slot.state).toBe('hung');
    lease.giveBack();
    expect(slot.state).toBe('idle');
  });

  it('is none where it ends in time', async () => {
    const lease = slot.take(caller.signal);
    caller.abort(cancelled());
    lease.giveBack();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(slot.state).toBe('idle');
  });
});

describe('close', () => {
  beforeEach(() => slot.start(never));

  it('unloads the model, then ends the thread', async () => {
    await slot.close();
    expect([tasks, closed, slot.state]).toEqual([['start', 'unload'], 1, 'closed']);
  });

  it('waits for the run, for a thread in native code would take the process with it', async () => {
    const lease = slot.take(never);
    const closing = slot.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(closed).toBe(0);
    lease.giveBack();
    await closing;
    expect([tasks, closed]).toEqual([['start', 'unload'], 1]);
  });

  it('waits for a restart that is under way, and starts no more', async () => {
    let up: (value: Started) => void = () => undefined;
    start = () => new Promise((resolve) => (up = resolve));
    die();
    await vi.advanceTimersByTimeAsync(100);
    const closing = slot.close();
    expect(closed).toBe(0);
    up(started);
    await closing;
    expect([slot.state, closed, ends.length]).toEqual(['closed', 1, 2]);
    const down = failures.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect([ends.length, failures.length]).toEqual([2, down]);
  });

  it('has nothing to wait for where nothing was started', async () => {
    const unused = new ThreadSlot({
      spawn: () => {
        throw new Error('no thread is wanted');
      },
      start: { source: { kind: 'class', module: 'file:///m.js' }, name: 'm', version: '1' },
      onChange: () => undefined,
      onFailure: () => undefined,
    });
    await unused.close();
    expect(unused.state).toBe('closed');
  });

  it('ends the thread also when the model fails to unload', async () => {
    run = () => Promise.reject(new Error('stuck'));
    await expect(slot.close()).rejects.toThrow('stuck');
    expect(closed).toBe(1);
  });
});

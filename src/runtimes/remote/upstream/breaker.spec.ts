import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Breaker } from './breaker.js';

const OPEN_MS = 1_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function breakerWith(probe: (signal: AbortSignal) => Promise<unknown>) {
  const breaker = new Breaker({ failures: 3, openMs: OPEN_MS, probe });
  const outages: (string | undefined)[] = [];
  breaker.onChange(() => outages.push(breaker.outage));
  return { breaker, outages };
}

const fail = (breaker: Breaker, times: number): void => {
  for (let time = 1; time <= times; time++) breaker.fail(`failure ${time}`);
};

describe('a breaker', () => {
  it('opens after so many failures in a row, for the reason of the last one', () => {
    const { breaker, outages } = breakerWith(() => Promise.resolve());
    fail(breaker, 2);
    expect(breaker.outage).toBeUndefined();
    fail(breaker, 3);
    expect(outages).toEqual(['failure 1']);
  });

  it('does not add up failures with a success between', () => {
    const { breaker, outages } = breakerWith(() => Promise.resolve());
    for (let round = 0; round < 5; round++) {
      fail(breaker, 2);
      breaker.succeeded();
    }
    expect(outages).toEqual([]);
  });

  it('probes once its time is over, and closes when that succeeds', async () => {
    const probe = vi.fn(() => Promise.resolve());
    const { breaker, outages } = breakerWith(probe);
    fail(breaker, 3);
    await vi.advanceTimersByTimeAsync(OPEN_MS - 1);
    expect(probe).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(probe).toHaveBeenCalledOnce();
    expect(outages).toEqual(['failure 3', undefined]);
    await vi.advanceTimersByTimeAsync(10 * OPEN_MS);
    expect(probe).toHaveBeenCalledOnce();
    // It counts anew.
    fail(breaker, 2);
    expect(breaker.outage).toBeUndefined();
  });

  it('stays open while its probes fail', async () => {
    const answers = [Promise.reject(new Error('no')), Promise.reject(new Error('no')), Promise.resolve()];
    for (const answer of answers) answer.catch(() => undefined);
    const { breaker } = breakerWith(() => answers.shift() ?? Promise.resolve());
    fail(breaker, 3);
    await vi.advanceTimersByTimeAsync(2 * OPEN_MS);
    expect(breaker.outage).toBe('failure 3');
    await vi.advanceTimersByTimeAsync(OPEN_MS);
    expect(breaker.outage).toBeUndefined();
  });

  it('has one probe at a time, however long that takes', async () => {
    const probe = vi.fn(() => new Promise(() => undefined));
    const { breaker } = breakerWith(probe);
    fail(breaker, 10);
    await vi.advanceTimersByTimeAsync(10 * OPEN_MS);
    expect(probe).toHaveBeenCalledOnce();
  });

  it('that is stopped gives up its probe, and leaves no timer behind', async () => {
    let aborted = false;
    const { breaker, outages } = breakerWith((signal) => {
      return new Promise((_, reject) =>
        signal.addEventListener('abort', () => {
          aborted = true;
          reject(signal.reason as Error);
        }),
      );
    });
    fail(breaker, 3);
    await vi.advanceTimersByTimeAsync(OPEN_MS);
    breaker.stop();
    await vi.advanceTimersByTimeAsync(0);
    expect(aborted).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
    expect(outages).toEqual(['failure 3']);
  });

  it('that is stopped while it waits probes no more', async () => {
    const probe = vi.fn(() => Promise.resolve());
    const { breaker } = breakerWith(probe);
    fail(breaker, 3);
    breaker.stop();
    fail(breaker, 3);
    await vi.advanceTimersByTimeAsync(10 * OPEN_MS);
    expect(probe).not.toHaveBeenCalled();
  });
});

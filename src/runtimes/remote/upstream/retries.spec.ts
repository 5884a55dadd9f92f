import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { retry, RetryBudget } from './retries.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const always = () => true;
const endless = { signal: new AbortController().signal, deadline: Infinity };

/** Fails so often, then gives the time at which it was run last. */
function failing(times: number) {
  let runs = 0;
  return vi.fn(() => {
    runs += 1;
    return runs > times ? Promise.resolve(Date.now()) : Promise.reject(new Error(`failure ${runs}`));
  });
}

describe('retry', () => {
  it.each([
    ['the longest', 0, [25, 50, 100, 200, 400, 800, 1_000, 1_000]],
    ['the shortest', 1, [12.5, 25, 50, 100, 200, 400, 500, 500]],
  ])('waits twice as long each time, at %s', async (_, random, delays) => {
    vi.spyOn(Math, 'random').mockReturnValue(random);
    const started = Date.now();
    const attempt = failing(delays.length);
    const running = retry(attempt, always, endless);
    await vi.runAllTimersAsync();
    const total = delays.reduce((sum, delay) => sum + delay, 0);
    expect((await running) - started).toBeGreaterThanOrEqual(Math.floor(total) - 1);
    expect((await running) - started).toBeLessThanOrEqual(Math.ceil(total) + 1);
    expect(attempt).toHaveBeenCalledTimes(delays.length + 1);
  });

  it('gives the failure that may not be repeated', async () => {
    const attempt = failing(9);
    const asked: number[] = [];
    const running = retry(attempt, (_, repeats) => asked.push(repeats) < 3, endless);
    const outcome = expect(running).rejects.toThrow('failure 3');
    await vi.runAllTimersAsync();
    await outcome;
    expect(asked).toEqual([0, 1, 2]);
  });

  it('does not wait past the deadline, nor takes of a budget then', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const mayRepeat = vi.fn(always);
    const running = retry(failing(9), mayRepeat, { ...endless, deadline: Date.now() + 80 });
    const outcome = expect(running).rejects.toThrow('failure 3');
    await vi.runAllTimersAsync();
    await outcome;
    expect(mayRepeat).toHaveBeenCalledTimes(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends with the reason of the signal while it waits', async () => {
    const controller = new AbortController();
    const attempt = failing(9);
    const running = retry(attempt, always, { ...endless, signal: controller.signal });
    const outcome = expect(running).rejects.toThrow('gone');
    await vi.advanceTimersByTimeAsync(1);
    controller.abort(new Error('gone'));
    await outcome;
    expect(attempt).toHaveBeenCalledOnce();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('repeats nothing once the signal has aborted', async () => {
    const running = retry(failing(9), always, { ...endless, signal: AbortSignal.abort() });
    await expect(running).rejects.toThrow('failure 1');
  });
});

describe('a budget', () => {
  const take = (budget: RetryBudget, times: number): number =>
    Array.from({ length: times }, () => budget.take()).filter(Boolean).length;

  it('has a burst to begin with, then the share of the calls', () => {
    const budget = new RetryBudget(0.25);
    expect(take(budget, 100)).toBe(10);
    for (let call = 0; call < 20; call++) budget.earn();
    expect(take(budget, 100)).toBe(5);
  });

  it('saves no more than the burst', () => {
    const budget = new RetryBudget(1);
    for (let call = 0; call < 1_000; call++) budget.earn();
    expect(take(budget, 100)).toBe(10);
  });

  it('of nothing is never there', () => {
    const budget = new RetryBudget(0);
    for (let call = 0; call < 1_000; call++) budget.earn();
    expect(take(budget, 100)).toBe(0);
  });
});

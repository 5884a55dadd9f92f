import { afterEach, expect, it, vi } from 'vitest';
import { type DelaySampler, LoopDelay } from './loop-delay.js';

class FakeSampler implements DelaySampler {
  readonly start = vi.fn();
  readonly stop = vi.fn();
  readonly reset = vi.fn();
  delay = 0;

  p99(): number {
    return this.delay;
  }
}

const loop = new LoopDelay();
const sampler = new FakeSampler();

afterEach(() => {
  loop.onApplicationShutdown();
  vi.useRealTimers();
});

it('knows of no delay before anyone watches', () => {
  loop.tick();
  expect(loop.p99Ms).toBe(0);
});

it('tells the delay of each second that is over', () => {
  vi.useFakeTimers();
  loop.watch(undefined, sampler);
  expect(sampler.start).toHaveBeenCalledOnce();
  sampler.delay = 250;
  expect(loop.p99Ms).toBe(0);
  vi.advanceTimersByTime(1_000);
  expect(loop.p99Ms).toBe(250);
  expect(sampler.reset).toHaveBeenCalledOnce();
  sampler.delay = 1;
  vi.advanceTimersByTime(1_000);
  expect(loop.p99Ms).toBe(1);
});

it('tells whoever watches the delay of each second, until the server ends', () => {
  vi.useFakeTimers();
  const measured = vi.fn();
  loop.watch(measured, sampler);
  for (const delay of [250, 0]) {
    sampler.delay = delay;
    vi.advanceTimersByTime(1_000);
  }
  expect(measured.mock.calls).toEqual([[250], [0]]);
  loop.onApplicationShutdown();
  loop.tick();
  vi.advanceTimersByTime(5_000);
  expect(measured).toHaveBeenCalledTimes(2);
});

it('forgets all when the server ends', () => {
  vi.useFakeTimers();
  loop.watch(undefined, sampler);
  sampler.delay = 250;
  loop.tick();
  loop.onApplicationShutdown();
  expect(sampler.stop).toHaveBeenCalled();
  expect([loop.p99Ms, vi.getTimerCount()]).toEqual([0, 0]);
});

it('measures a loop that is held up', async () => {
  loop.watch();
  // The histogram counts from its first timer on.
  await new Promise((resolve) => setTimeout(resolve, 20));
  const end = performance.now() + 100;
  while (performance.now() < end);
  await new Promise((resolve) => setTimeout(resolve, 20));
  loop.tick();
  expect(loop.p99Ms).toBeGreaterThan(50);
  expect(loop.p99Ms).toBeLessThan(2_000);
});

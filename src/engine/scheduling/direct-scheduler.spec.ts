import { expect, it } from 'vitest';
import { Deferred } from '../../testing/deferred.js';
import { DirectScheduler } from './direct-scheduler.js';

it('runs everything at once', async () => {
  const scheduler = new DirectScheduler();
  const gates = [new Deferred<number>(), new Deferred<number>()];
  const running = gates.map(({ promise }) => scheduler.enqueue(() => promise));
  expect(scheduler.inFlight).toBe(2);
  gates[1]?.resolve(2);
  expect(await running[1]).toBe(2);
  expect(scheduler.inFlight).toBe(1);
  gates[0]?.resolve(1);
  expect(await running[0]).toBe(1);
  expect(scheduler.inFlight).toBe(0);
});

it('starts the work before it returns, so that nothing comes between', () => {
  const scheduler = new DirectScheduler();
  let started = false;
  void scheduler.enqueue(() => {
    started = true;
  });
  expect(started).toBe(true);
});

it('passes failures on, and counts on', async () => {
  const scheduler = new DirectScheduler();
  const throwing = scheduler.enqueue(() => {
    throw new Error('broken');
  });
  await expect(throwing).rejects.toThrow('broken');
  await expect(scheduler.enqueue(() => Promise.reject(new Error('broken too')))).rejects.toThrow('broken too');
  expect(scheduler.inFlight).toBe(0);
});

it('stops when what runs is done, and takes nothing more', async () => {
  const scheduler = new DirectScheduler();
  const events: string[] = [];
  const [first, second] = [new Deferred(), new Deferred()];
  const running = [first, second].map(({ promise }) => scheduler.enqueue(() => promise));
  const stopped = [scheduler.stop(), scheduler.stop()].map(async (stopping) => {
    await stopping;
    events.push('stopped');
  });
  await expect(scheduler.enqueue(() => 1)).rejects.toMatchObject({
    code: 'unavailable',
    message: 'the model is being unloaded and takes no more requests',
  });
  first.resolve();
  await running[0];
  await new Promise(setImmediate);
  events.push('last answer');
  second.reject(new Error('broken'));
  await expect(running[1]).rejects.toThrow('broken');
  await Promise.all(stopped);
  expect(events).toEqual(['last answer', 'stopped', 'stopped']);
});

it('stops at once when nothing runs', async () => {
  const scheduler = new DirectScheduler();
  await scheduler.enqueue(() => 1);
  await scheduler.stop();
  await expect(scheduler.enqueue(() => 1)).rejects.toMatchObject({ code: 'unavailable' });
});

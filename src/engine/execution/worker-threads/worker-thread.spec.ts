import { once } from 'node:events';
import { join } from 'node:path';
import { Piscina } from 'piscina';
import { expect, it, vi } from 'vitest';
import { portOf, ThreadEnded, WorkerThread } from './worker-thread.js';

const FIXTURE = join(import.meta.dirname, '../../../../test/fixtures/threads/server.mjs');

it('tells when its thread has ended: here there is no build that it could start from', async () => {
  const onEnd = vi.fn();
  const thread = new WorkerThread({ onEnd });
  const failure: unknown = await thread.run('unload', undefined).catch((reason: unknown) => reason);
  expect(failure).toBeInstanceOf(ThreadEnded);
  expect((failure as ThreadEnded).message).toMatch(/^the worker thread ended with code 1: .*worker\.js/);
  expect(onEnd).toHaveBeenCalledExactlyOnceWith(failure);
  await thread.close();
});

it('finds the port by which the pool hears of an answer that cannot be read', async () => {
  const pool = new Piscina({ filename: FIXTURE, minThreads: 1, maxThreads: 1, execArgv: [] });
  const [created] = (await once(pool, 'workerCreate')) as [object];
  expect(portOf(created)?.constructor.name).toBe('MessagePort');
  await pool.close();
});

import { afterEach, describe, expect, it, vi } from 'vitest';
import { cancelled } from '../../../core/errors/catalogue.js';
import type { CodecJob, CodecResult, Posted } from './codec-jobs.js';
import { ThreadPool } from './thread-pool.js';

/** A thread that answers with its number and the job, dies of `die` and `exit`, and never answers `hang`. */
const ENTRY = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort, threadId } from 'node:worker_threads';
    parentPort.on('message', (job) => {
      if (job === 'die') throw new Error('no more');
      if (job === 'exit') process.exit(3);
      if (job === 'swell') for (const all = [];;) all.push(new Array(1e6).fill(all));
      if (job !== 'hang') parentPort.postMessage({ threadId, job });
    });
  `)}`,
);

const never = new AbortController().signal;

let pool: ThreadPool;
afterEach(() => pool.close());

const job = (name: string): Posted<CodecJob> => ({ message: name as unknown as CodecJob, moved: [] });
const run = (name: string, signal = never) => pool.run(job(name), signal);
const threadOf = (result: CodecResult): number => (result as unknown as { threadId: number }).threadId;

describe('the threads', () => {
  it('start when they are needed, and no more of them than allowed', async () => {
    pool = new ThreadPool(ENTRY, 2);
    expect(pool.threads).toHaveLength(0);
    const first = threadOf(await run('a'));
    expect(pool.threads).toHaveLength(1);
    expect(threadOf(await run('b'))).toBe(first);
    const results = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => run(name)));
    expect(new Set(results.map(threadOf)).size).toBe(2);
    expect(pool.threads).toHaveLength(2);
  });

  it('take jobs in the order in which they came', async () => {
    pool = new ThreadPool(ENTRY, 1);
    const done: string[] = [];
    await Promise.all(['a', 'b', 'c'].map((name) => run(name).then(() => done.push(name))));
    expect(done).toEqual(['a', 'b', 'c']);
  });

  it.each(['die', 'exit'])('are replaced when they %s, and only the job that they died of fails', async (death) => {
    pool = new ThreadPool(ENTRY, 1);
    const first = threadOf(await run('a'));
    const [fatal, next] = await Promise.allSettled([run(death), run('b')]);
    expect(fatal).toMatchObject({ status: 'rejected', reason: { code: 'unavailable', retryAfterMs: 1_000 } });
    expect(next.status === 'fulfilled' && threadOf(next.value)).not.toBe(first);
    expect(pool.threads).toHaveLength(1);
  });

  it('die alone where a job takes more memory than there is', async () => {
    pool = new ThreadPool(ENTRY, 1, { maxOldGenerationSizeMb: 16 });
    await expect(run('swell')).rejects.toMatchObject({ code: 'resource-exhausted' });
    expect(threadOf(await run('a'))).toBeGreaterThan(0);
  });
});

describe('a job', () => {
  it('that nobody waits for any more is not begun', async () => {
    pool = new ThreadPool(ENTRY, 1);
    const caller = new AbortController();
    const hanging = run('hang');
    const waiting = run('die', caller.signal);
    caller.abort(cancelled());
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    await expect(run('b', caller.signal)).rejects.toMatchObject({ code: 'cancelled' });
    await Promise.all([expect(hanging).rejects.toMatchObject({ code: 'unavailable' }), pool.close()]);
  });

  it('that runs is given up at once, and its thread serves on when it is done', async () => {
    pool = new ThreadPool(ENTRY, 1);
    const caller = new AbortController();
    const running = run('a', caller.signal);
    caller.abort(cancelled());
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    expect(threadOf(await run('b'))).toBeGreaterThan(0);
    expect(pool.threads).toHaveLength(1);
  });

  it('leaves nothing at the signal of its caller', async () => {
    pool = new ThreadPool(ENTRY, 1);
    const caller = new AbortController();
    const removed = vi.spyOn(caller.signal, 'removeEventListener');
    await run('a', caller.signal);
    expect(removed).toHaveBeenCalledOnce();
  });

  it('fails once the pool is closed, and no thread is left', async () => {
    pool = new ThreadPool(ENTRY, 1);
    await run('a');
    await pool.close();
    expect(pool.threads).toHaveLength(0);
    await expect(run('b')).rejects.toMatchObject({ code: 'unavailable' });
  });
});

import { once } from 'node:events';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { cancelled, deadlineExceeded } from '../../../../core/errors/catalogue.js';
import { createFlag, FlagSignal, raiseFlag } from './abort-flag.js';

let flag: SharedArrayBuffer;
let mine: FlagSignal;

beforeEach(() => {
  flag = createFlag();
  mine = new FlagSignal(flag, 7);
});

describe('the signal', () => {
  it.each([
    ['cancelled', cancelled()],
    ['deadline-exceeded', deadlineExceeded()],
    ['unavailable', new Error('the server is stopping')],
  ])('is aborted as soon as the flag is raised: %s', (code, reason) => {
    const { signal } = mine;
    expect([signal.aborted, signal.reason]).toEqual([false, undefined]);
    signal.throwIfAborted();
    raiseFlag(flag, 7, reason);
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toMatchObject({ name: 'ServingError', code });
    expect(() => signal.throwIfAborted()).toThrow(expect.objectContaining({ code }) as Error);
  });

  it('fires its event, and those that are made from it', async () => {
    const { signal } = mine;
    const derived = AbortSignal.any([signal]);
    const fired = once(signal, 'abort');
    raiseFlag(flag, 7, cancelled());
    await fired;
    expect(derived.aborted).toBe(true);
  });

  it('is the same whenever it is asked for, and made no earlier', () => {
    raiseFlag(flag, 7, cancelled());
    expect(mine.signal.aborted).toBe(true);
    expect(mine.signal).toBe(mine.signal);
  });

  it('does not hear of other requests', async () => {
    const { signal } = mine;
    const other = new FlagSignal(flag, 8);
    const fired = once(other.signal, 'abort');
    raiseFlag(flag, 6, cancelled());
    raiseFlag(flag, 8, cancelled());
    await fired;
    expect(signal.aborted).toBe(false);
  });

  it('is not aborted any more once its request is over', async () => {
    const listener = vi.fn();
    mine.signal.addEventListener('abort', listener);
    mine.release();
    raiseFlag(flag, 7, cancelled());
    await new Promise(setImmediate);
    expect(mine.signal.aborted).toBe(false);
    expect(listener).not.toHaveBeenCalled();
  });
});

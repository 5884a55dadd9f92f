import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cancelled } from '../../core/errors/catalogue.js';
import { departureOf, unwatch, watch } from '../../core/inference/watched-call.js';
import { fakeCall } from '../../testing/fake-call-context.js';

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000 });
});

afterEach(() => {
  vi.useRealTimers();
});

/** A call with the way to disconnect its client. */
function connected(deadline = Infinity) {
  const listeners: (() => void)[] = [];
  const call = fakeCall({ deadline, onDisconnect: (listener) => void listeners.push(listener) });
  return { call, listeners, disconnect: () => listeners.forEach((listener) => listener()) };
}

describe('the signal', () => {
  it('is made when it is first asked for, and is one for all', () => {
    const { call, listeners } = connected(2_000);
    expect([listeners.length, vi.getTimerCount()]).toEqual([0, 0]);
    const { signal } = call;
    expect(call.signal).toBe(signal);
    expect([listeners.length, vi.getTimerCount()]).toEqual([1, 1]);
  });

  it('needs no timer where there is no deadline', () => {
    expect(connected().call.signal.aborted).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('aborts when the client goes', () => {
    const { call, disconnect } = connected(2_000);
    const { signal } = call;
    disconnect();
    expect(signal.reason).toMatchObject({ code: 'cancelled' });
  });

  it('aborts when the deadline passes', () => {
    const { call } = connected(2_000);
    const { signal } = call;
    vi.advanceTimersByTime(999);
    expect(signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(signal.reason).toMatchObject({ code: 'deadline-exceeded' });
  });

  it('tells the deadline from the client, where the wire ends the call at the deadline by itself', () => {
    const { call, disconnect } = connected(2_000);
    const { signal } = call;
    vi.setSystemTime(2_000);
    disconnect();
    expect(signal.reason).toMatchObject({ code: 'deadline-exceeded' });
  });

  it('aborts soon where the deadline has passed already', () => {
    const { call } = connected(500);
    const { signal } = call;
    vi.advanceTimersByTime(1);
    expect(signal.reason).toMatchObject({ code: 'deadline-exceeded' });
  });

  it('keeps its first reason', () => {
    const { call, disconnect } = connected(2_000);
    const { signal } = call;
    disconnect();
    vi.advanceTimersByTime(5_000);
    expect(signal.reason).toMatchObject({ code: 'cancelled' });
  });

  it('is also told to those who watch the call without one', () => {
    const { call, disconnect } = connected(2_000);
    const told: string[] = [];
    const note = (name: string) => ({ handleEvent: () => void told.push(`${name}: ${departureOf(call)?.message}`) });
    const left = note('left');
    for (const listener of [note('first'), left, note('second'), note('third')]) watch(call, listener);
    unwatch(call, left);
    expect(departureOf(call)).toBeUndefined();
    disconnect();
    vi.advanceTimersByTime(5_000);
    watch(call, note('late'));
    const { message } = cancelled();
    expect(told).toEqual([`first: ${message}`, `second: ${message}`, `third: ${message}`]);
    expect(call.signal.reason).toBe(departureOf(call));
  });

  it('is not told to those who were taken out by another one who was told', () => {
    const { call, disconnect } = connected(Infinity);
    const told: string[] = [];
    const second = { handleEvent: () => void told.push('second') };
    watch(call, { handleEvent: () => unwatch(call, second) });
    watch(call, second);
    watch(call, { handleEvent: () => void told.push('third') });
    disconnect();
    expect(told).toEqual(['third']);
  });

  it('leaves no timer behind when the call is over', () => {
    const { call } = connected(2_000);
    const { signal } = call;
    expect([call.finish(), call.finish()]).toEqual([true, false]);
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(5_000);
    expect(signal.aborted).toBe(false);
  });
});

describe('the id', () => {
  const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

  it.each(['r-1', '!~', 'x'.repeat(128)])('is that of the caller: %s', (requestId) => {
    expect(fakeCall({ requestId }).requestId).toBe(requestId);
  });

  it.each([undefined, '', 'a b', 'a\nb', '\u00e9', 'x'.repeat(129)])('is made in the place of %j', (requestId) => {
    const call = fakeCall({ requestId });
    const id = call.requestId;
    expect(id).toMatch(UUID);
    expect(call.requestId).toBe(id);
  });

  it('is that of the inference where the call has none, unless it was asked for before', () => {
    const adopting = fakeCall({ requestId: undefined });
    adopting.adoptRequestId('not sane');
    adopting.adoptRequestId('i-1');
    adopting.adoptRequestId('i-2');
    expect(adopting.requestId).toBe('i-1');
    const named = fakeCall({ requestId: 'r-1' });
    named.adoptRequestId('i-1');
    expect(named.requestId).toBe('r-1');
    const asked = fakeCall({ requestId: undefined });
    const made = asked.requestId;
    asked.adoptRequestId('i-1');
    expect(asked.requestId).toBe(made);
  });
});

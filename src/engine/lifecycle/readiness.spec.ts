import { beforeEach, describe, expect, it } from 'vitest';
import { handleOf } from '../../../test/support/engine.js';
import { ModelRegistry } from '../registry/model-registry.js';
import type { ModelState } from '../registry/model-state.js';
import { Readiness } from './readiness.js';

let registry: ModelRegistry;
let readiness: Readiness;

beforeEach(() => {
  registry = new ModelRegistry();
  readiness = new Readiness(registry);
});

function bring(name: string, kind: ModelState['kind']): void {
  registry.set(name, '1', { kind: 'loading' });
  if (kind === 'unavailable') registry.set(name, '1', { kind, reason: 'no file' });
  if (kind === 'ready' || kind === 'unloading') registry.set(name, '1', { kind: 'ready' }, handleOf({ name }));
  if (kind === 'unloading') registry.set(name, '1', { kind });
}

describe('the server', () => {
  it('is not ready before it has begun, but takes work', () => {
    bring('m', 'ready');
    expect([readiness.ready, readiness.accepting]).toEqual([false, true]);
  });

  it.each<{ asked: string[]; mayBeEmpty: boolean; states: Record<string, ModelState['kind']>; ready: boolean }>([
    { asked: ['a', 'b'], mayBeEmpty: false, states: { a: 'ready', b: 'ready' }, ready: true },
    { asked: ['a', 'b'], mayBeEmpty: true, states: { a: 'ready', b: 'loading' }, ready: false },
    { asked: ['a', 'b'], mayBeEmpty: true, states: { a: 'ready', b: 'unavailable' }, ready: false },
    { asked: ['a', 'b'], mayBeEmpty: true, states: { a: 'ready', b: 'unloading' }, ready: false },
    { asked: ['a', 'b'], mayBeEmpty: true, states: { a: 'ready' }, ready: false },
    { asked: ['a'], mayBeEmpty: false, states: { a: 'ready', other: 'unavailable' }, ready: true },
    { asked: [], mayBeEmpty: true, states: {}, ready: true },
    { asked: [], mayBeEmpty: true, states: { other: 'unavailable' }, ready: true },
    { asked: [], mayBeEmpty: false, states: {}, ready: false },
  ])(
    'asked for $asked (may be empty: $mayBeEmpty) with $states: ready is $ready',
    ({ asked, mayBeEmpty, states, ready }) => {
      for (const [name, kind] of Object.entries(states)) bring(name, kind);
      readiness.begin(asked, mayBeEmpty);
      expect(readiness.ready).toBe(ready);
    },
  );

  it('is ready while one version of each model serves', () => {
    bring('m', 'ready');
    registry.set('m', '2', { kind: 'loading' });
    readiness.begin(['m'], false);
    expect(readiness.ready).toBe(true);
  });

  it('waits for a first model where there was none', () => {
    readiness.begin([], false);
    bring('m', 'loading');
    readiness.require('m');
    expect(readiness.ready).toBe(false);
    registry.set('m', '1', { kind: 'ready' }, handleOf());
    expect(readiness.ready).toBe(true);
    readiness.release('m');
    expect(readiness.ready).toBe(true);
  });

  it('asks for what is loaded later, and no more for what is unloaded', () => {
    readiness.begin([], true);
    readiness.require('m');
    expect(readiness.ready).toBe(false);
    readiness.release('m');
    expect(readiness.ready).toBe(true);
  });

  it('is not ready any more once it drains, and takes no work', () => {
    readiness.begin([], true);
    readiness.drain();
    expect([readiness.ready, readiness.accepting]).toEqual([false, false]);
  });
});

it('tells of every change that may matter, to those who still listen', () => {
  const seen: boolean[] = [];
  const stop = readiness.onChange(() => seen.push(readiness.ready));
  readiness.begin(['m'], false);
  bring('m', 'ready');
  readiness.drain();
  expect(seen).toEqual([false, false, true, false]);
  stop();
  readiness.release('m');
  expect(seen).toHaveLength(4);
});

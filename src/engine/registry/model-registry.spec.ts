import { beforeEach, describe, expect, it, vi } from 'vitest';
import { handleOf } from '../../../test/support/engine.js';
import { ModelRegistry } from './model-registry.js';
import type { ModelState } from './model-state.js';

let registry: ModelRegistry;

beforeEach(() => {
  registry = new ModelRegistry();
});

/** Brings a version to a state by the steps that lead there. */
function bring(name: string, version: string, kind: ModelState['kind'], reason = 'no file') {
  registry.set(name, version, { kind: 'loading' });
  if (kind === 'loading') return undefined;
  if (kind === 'unavailable') {
    registry.set(name, version, { kind, reason });
    return undefined;
  }
  const handle = handleOf({ name, version });
  registry.set(name, version, { kind: 'ready' }, handle);
  if (kind === 'unloading') registry.set(name, version, { kind });
  return handle;
}

describe('resolve', () => {
  it('finds the version that was asked for, and the highest where none was', () => {
    const handles = ['2', '10', '9'].map((version) => bring('m', version, 'ready'));
    expect(registry.resolve('m', '2')).toBe(handles[0]);
    expect(registry.resolve('m', '')).toBe(handles[1]);
  });

  it('takes a free text as a version where there is one of exactly that text', () => {
    const handle = bring('m', 'v-beta', 'ready');
    expect(registry.resolve('m', 'v-beta')).toBe(handle);
    expect(registry.resolve('m', '')).toBe(handle);
  });

  it('passes over versions that do not serve when it looks for the default', () => {
    const two = bring('m', '2', 'ready');
    bring('m', '3', 'loading');
    bring('m', '4', 'unavailable');
    bring('m', '5', 'unloading');
    expect(registry.resolve('m', '')).toBe(two);
  });

  it('moves the default when versions come and go', () => {
    const one = bring('m', '1', 'ready');
    const two = bring('m', '2', 'ready');
    expect(registry.resolve('m', '')).toBe(two);
    registry.set('m', '2', { kind: 'unloading' });
    expect(registry.resolve('m', '')).toBe(one);
    registry.set('m', '1', { kind: 'unloading' });
    expect(() => registry.resolve('m', '')).toThrow();
  });

  it.each([
    ['an unknown model', 'nobody', '', 'not-found', "Request for unknown model: 'nobody' is not found"],
    [
      'an unknown model with a version',
      'nobody',
      '7',
      'not-found',
      "Request for unknown model: 'nobody' version 7 is not found",
    ],
    ['an unknown version', 'm', '99', 'not-found', "Request for unknown model: 'm' version 99 is not found"],
    [
      'a version that is no number',
      'm',
      'wrong_specification',
      'invalid-argument',
      "failed to get model version from specified version string 'wrong_specification', version should be an integral value > 0",
    ],
    [
      'version 0',
      'm',
      '0',
      'invalid-argument',
      "failed to get model version from specified version string '0', version should be an integral value > 0",
    ],
    [
      'a version that failed',
      'm',
      '2',
      'unavailable',
      "Request for unknown model: 'm' version 2 is not at ready state",
    ],
    ['a version that loads', 'm', '3', 'unavailable', "Request for unknown model: 'm' version 3 is not at ready state"],
    [
      'a version that unloads',
      'm',
      '4',
      'unavailable',
      "Request for unknown model: 'm' version 4 is not at ready state",
    ],
    [
      'a model whose versions have all failed',
      'failed',
      '',
      'not-found',
      "Request for unknown model: 'failed' has no available versions",
    ],
    [
      'a model that loads',
      'loading',
      '',
      'unavailable',
      "Request for unknown model: 'loading' version 1 is not at ready state",
    ],
    [
      'a model that unloads',
      'unloading',
      '',
      'unavailable',
      "Request for unknown model: 'unloading' version 1 is not at ready state",
    ],
  ])('refuses %s', (_, name, version, code, message) => {
    bring('m', '1', 'ready');
    bring('m', '2', 'unavailable');
    bring('m', '3', 'loading');
    bring('m', '4', 'unloading');
    bring('failed', '1', 'unavailable');
    bring('loading', '1', 'loading');
    bring('unloading', '1', 'unloading');
    expect(() => registry.resolve(name, version)).toThrow(expect.objectContaining({ code, message }));
  });

  it('knows a malformed version by its reason, which the wires tell apart', () => {
    bring('m', '1', 'ready');
    expect(() => registry.resolve('m', 'x')).toThrow(expect.objectContaining({ reason: 'malformed-version' }));
  });

  it.each(['__proto__', 'constructor', 'toString', ''])('has no model %j of its own', (name) => {
    expect(() => registry.resolve(name, '')).toThrow(`'${name}' is not found`);
    expect(registry.versionsOf(name)).toBeUndefined();
    bring(name, '1', 'ready');
    expect(registry.resolve(name, '').name).toBe(name);
  });
});

describe('versions', () => {
  it('are listed oldest first, with their states', () => {
    bring('m', '10', 'ready');
    bring('m', '9', 'unavailable', 'no file');
    bring('m', 'beta', 'loading');
    expect(registry.versionsOf('m')?.map(({ version, state }) => [version, state])).toEqual([
      ['beta', { kind: 'loading' }],
      ['9', { kind: 'unavailable', reason: 'no file' }],
      ['10', { kind: 'ready' }],
    ]);
    expect(registry.names()).toEqual(['m']);
  });

  it.each([
    ['loading', false],
    ['ready', true],
    ['unloading', false],
    ['unavailable', false],
  ] as const)('in the state %s: ready is %s', (kind, ready) => {
    bring('m', '1', kind);
    expect(registry.isReady('m')).toBe(ready);
    expect(registry.isReady('m', '1')).toBe(ready);
    expect(registry.isReady('m', '2')).toBe(false);
    expect(registry.isReady('nobody')).toBe(false);
  });

  it('take no step that no lifecycle has', () => {
    bring('m', '1', 'unloading');
    expect(() => registry.set('m', '1', { kind: 'loading' })).toThrow('a model cannot go from unloading to loading');
  });
});

it('tells of every change, to those who still listen', () => {
  const seen: string[] = [];
  const stop = registry.onChange(() => seen.push(registry.versionsOf('m')?.[0]?.state.kind ?? ''));
  bring('m', '1', 'ready');
  expect(seen).toEqual(['loading', 'ready']);
  stop();
  registry.set('m', '1', { kind: 'unloading' });
  expect(seen).toEqual(['loading', 'ready']);
});

describe('a version whose threads are gone', () => {
  const listeners: (() => void)[] = [];
  let outage: string | undefined;

  /** Serves, but for now. */
  const executor = {
    free: 1,
    get outage() {
      return outage;
    },
    onChange: (listener: () => void) => void listeners.push(listener),
  };

  beforeEach(() => {
    listeners.length = 0;
    outage = undefined;
    registry.set('m', '1', { kind: 'loading' });
    registry.set('m', '1', { kind: 'ready' }, handleOf({ executor }));
  });

  it('is not ready meanwhile, and unavailable in the index, yet keeps its handle', () => {
    expect([registry.isReady('m'), registry.isReady('m', '1')]).toEqual([true, true]);
    outage = 'no thread';
    expect([registry.isReady('m'), registry.isReady('m', '1')]).toEqual([false, false]);
    expect(registry.versionsOf('m')).toMatchObject([{ state: { kind: 'unavailable', reason: 'no thread' } }]);
    expect(registry.resolve('m', '')).toBe(registry.versionsOf('m')?.[0]?.handle);
    outage = undefined;
    expect(registry.isReady('m')).toBe(true);
    expect(registry.versionsOf('m')).toMatchObject([{ state: { kind: 'ready' } }]);
  });

  it('also while a model that it calls is not there', () => {
    const handle = handleOf({ name: 'chain', dependsOn: ['m', 'other'] });
    registry.set('chain', '1', { kind: 'loading' });
    registry.set('chain', '1', { kind: 'ready' }, handle);
    const reason = () => registry.versionsOf('chain')?.[0]?.state;
    expect([registry.isReady('chain'), reason()]).toEqual([
      false,
      { kind: 'unavailable', reason: "it calls model 'other', which is not ready" },
    ]);
    registry.set('other', '1', { kind: 'loading' });
    registry.set('other', '1', { kind: 'ready' }, handleOf({ name: 'other' }));
    expect([registry.isReady('chain'), reason()]).toEqual([true, { kind: 'ready' }]);
    outage = 'no thread';
    expect(registry.isReady('chain')).toBe(false);
  });

  it('does not wait for itself where models call each other in a circle', () => {
    const serve = (name: string, ...dependsOn: string[]): void => {
      registry.set(name, '1', { kind: 'loading' });
      registry.set(name, '1', { kind: 'ready' }, handleOf({ name, dependsOn }));
    };
    serve('a', 'b');
    serve('b', 'c', 'm');
    serve('c', 'a', 'c');
    expect(['a', 'b', 'c'].map((name) => registry.isReady(name))).toEqual([true, true, true]);
    outage = 'no thread';
    expect(['a', 'b', 'c'].map((name) => registry.isReady(name))).toEqual([false, false, false]);
  });

  it('is told to those who listen, once', () => {
    registry.set('m', '1', { kind: 'ready' }, registry.resolve('m', '1'));
    const changed = vi.fn();
    registry.onChange(changed);
    for (const listener of listeners) listener();
    expect(changed).not.toHaveBeenCalled();
    outage = 'no thread';
    for (const listener of listeners) listener();
    for (const listener of listeners) listener();
    expect(changed).toHaveBeenCalledOnce();
  });
});

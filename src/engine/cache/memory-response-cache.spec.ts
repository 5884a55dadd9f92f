import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { handleOf } from '../../../test/support/engine.js';
import { MemoryResponseCache } from './memory-response-cache.js';
import type { KeptResponse } from './response-cache.js';

const [m, n] = [handleOf({ name: 'm' }), handleOf({ name: 'n' })];

const responseOf = (bytes: number, model = 'm'): KeptResponse => {
  return { model, version: '1', parameters: [], outputs: [], bytes };
};

const cacheOf = (maxBytes: number) => new MemoryResponseCache({ RESPONSE_CACHE_BYTES: maxBytes });

describe('the memory store', () => {
  it('gives what it was given, by model and key', () => {
    const cache = cacheOf(100);
    const [ofM, ofN] = [responseOf(10), responseOf(10, 'n')];
    cache.set(m, 'k', ofM);
    cache.set(n, 'k', ofN);
    expect(cache.get(m, 'k')).toBe(ofM);
    expect(cache.get(n, 'k')).toBe(ofN);
    expect(cache.get(m, 'other')).toBeUndefined();
    expect(cache.get(handleOf({ name: 'm' }), 'k')).toBeUndefined();
    expect(cache.counters).toEqual({ hits: 2, misses: 2, evictions: 0, bytes: 20 });
  });

  it('lets go what was not used for longest, of any model', () => {
    const cache = cacheOf(30);
    cache.set(m, 'a', responseOf(10));
    cache.set(n, 'b', responseOf(10));
    cache.set(m, 'c', responseOf(10));
    cache.get(m, 'a');
    cache.set(n, 'd', responseOf(15));
    expect(['a', 'c'].map((key) => cache.get(m, key)?.bytes)).toEqual([10, undefined]);
    expect(['b', 'd'].map((key) => cache.get(n, key)?.bytes)).toEqual([undefined, 15]);
    expect(cache.counters).toMatchObject({ evictions: 2, bytes: 25 });
  });

  it('replaces what it has under a key', () => {
    const cache = cacheOf(30);
    cache.set(m, 'a', responseOf(20));
    cache.set(m, 'a', responseOf(25));
    expect(cache.get(m, 'a')?.bytes).toBe(25);
    expect(cache.counters).toMatchObject({ evictions: 0, bytes: 25 });
  });

  it('lets nothing go for what is larger than itself', () => {
    const cache = cacheOf(30);
    cache.set(m, 'a', responseOf(30));
    cache.set(m, 'b', responseOf(31));
    expect(cache.get(m, 'a')?.bytes).toBe(30);
    expect(cache.get(m, 'b')).toBeUndefined();
    expect(cache.counters).toMatchObject({ evictions: 0, bytes: 30 });
  });

  it('drops a model, and no other one', () => {
    const cache = cacheOf(100);
    cache.set(m, 'a', responseOf(10));
    cache.set(m, 'b', responseOf(10));
    cache.set(n, 'a', responseOf(10));
    cache.drop(m);
    cache.drop(m);
    expect([cache.get(m, 'a'), cache.get(m, 'b')]).toEqual([undefined, undefined]);
    expect(cache.get(n, 'a')).toBeDefined();
    expect(cache.counters).toMatchObject({ evictions: 0, bytes: 10 });
  });
});

const steps = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('set'), model: fc.nat(1), key: fc.nat(4), bytes: fc.nat(40) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('get'), model: fc.nat(1), key: fc.nat(4), bytes: fc.constant(0) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('drop'), model: fc.nat(1), key: fc.constant(0), bytes: fc.constant(0) }),
  },
);

it('does what a list would do that is searched from end to end', () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 60 }), (script) => {
      const cache = cacheOf(100);
      let list: { model: number; key: number; bytes: number }[] = [];
      for (const { kind, model, key, bytes } of script) {
        const handle = model === 0 ? m : n;
        const found = list.find((entry) => entry.model === model && entry.key === key);
        const others = list.filter((entry) => entry !== found);
        if (kind === 'drop') {
          cache.drop(handle);
          list = list.filter((entry) => entry.model !== model);
        } else if (kind === 'get') {
          expect(cache.get(handle, String(key))?.bytes).toBe(found?.bytes);
          if (found !== undefined) list = [...others, found];
        } else {
          cache.set(handle, String(key), responseOf(bytes));
          list = [...others, { model, key, bytes }];
          while (list.reduce((sum, entry) => sum + entry.bytes, 0) > 100) list.shift();
        }
        expect(cache.counters.bytes).toBe(list.reduce((sum, entry) => sum + entry.bytes, 0));
      }
    }),
  );
});

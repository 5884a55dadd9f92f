import { expect, it } from 'vitest';
import { TokenCache } from './token-cache.js';

const principal = (name: string) => ({ name, roles: [] });

function cacheOf(limit: number) {
  let now = 1_000;
  const cache = new TokenCache(limit, () => now);
  const put = (digest: string, until = 2_000): void => cache.put(digest, principal(digest), until, cache.generation);
  return { cache, put, pass: (ms: number) => (now += ms) };
}

it('remembers until the end, and not a millisecond more', () => {
  const { cache, put, pass } = cacheOf(10);
  put('a');
  expect(cache.get('a')).toEqual(principal('a'));
  expect(cache.get('b')).toBeUndefined();
  pass(999);
  expect(cache.get('a')).toEqual(principal('a'));
  pass(1);
  expect(cache.get('a')).toBeUndefined();
  put('late');
  expect(cache.get('late')).toBeUndefined();
});

it('forgets first what was not used for longest', () => {
  const { cache, put } = cacheOf(2);
  put('a');
  put('b');
  cache.get('a');
  put('c');
  expect(cache.get('b')).toBeUndefined();
  expect(cache.get('a')).toEqual(principal('a'));
  expect(cache.get('c')).toEqual(principal('c'));
});

it('forgets all when the keys change, and does not take what was verified by the old ones', () => {
  const { cache, put } = cacheOf(10);
  put('a');
  const { generation } = cache;
  cache.clear();
  expect(cache.get('a')).toBeUndefined();
  cache.put('b', principal('b'), 2_000, generation);
  expect(cache.get('b')).toBeUndefined();
});

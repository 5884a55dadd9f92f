import { beforeEach, expect, it } from 'vitest';
import { MemoryTokenBuckets } from './memory-token-buckets.js';

const SIZE = { capacity: 2, perMs: 0.01 };

let now: number;
let buckets: MemoryTokenBuckets;

beforeEach(() => {
  now = 1_000;
  buckets = new MemoryTokenBuckets(() => now, 3);
});

it('starts full, tells when the next token is there, and fills no further than to the brim', () => {
  expect([buckets.take('a', 1, SIZE), buckets.take('a', 1, SIZE)]).toEqual([0, 0]);
  expect(buckets.take('a', 1, SIZE)).toBe(100);
  now += 50;
  expect(buckets.take('a', 1, SIZE)).toBe(50);
  now += 50;
  expect(buckets.take('a', 1, SIZE)).toBe(0);
  now += 1_000_000;
  expect([buckets.take('a', 2, SIZE), buckets.take('a', 1, SIZE)]).toEqual([0, 100]);
});

it('takes all or none', () => {
  buckets.take('a', 1, SIZE);
  expect(buckets.take('a', 2, SIZE)).toBe(100);
  expect(buckets.take('a', 1, SIZE)).toBe(0);
});

it('keeps callers apart, and no more of them than it may', () => {
  for (const key of ['a', 'b', 'c']) buckets.take(key, 2, SIZE);
  expect(buckets.take('a', 1, SIZE)).toBe(100);
  buckets.take('d', 2, SIZE);
  expect([buckets.take('a', 1, SIZE), buckets.take('c', 1, SIZE)]).toEqual([100, 100]);
  expect(buckets.take('b', 1, SIZE)).toBe(0);
});

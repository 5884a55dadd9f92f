import { beforeEach, describe, expect, it } from 'vitest';
import { fakeCall } from '../../testing/fake-call-context.js';
import { FakeTokenBuckets } from '../../testing/fake-token-buckets.js';
import type { RateLimitConfig } from './rate-limit.config.js';
import { RateLimiter } from './rate-limiter.js';

let buckets: FakeTokenBuckets;

beforeEach(() => {
  buckets = new FakeTokenBuckets();
});

const limiter = (limits: string, RATE_LIMIT_WEIGHT: RateLimitConfig['RATE_LIMIT_WEIGHT'] = 'request') =>
  new RateLimiter({ RATE_LIMIT: limits === '' ? [] : limits.split(','), RATE_LIMIT_WEIGHT }, buckets);

const keys = () => buckets.taken.map(({ key }) => key);

it('has a bucket for each caller and family', () => {
  const limits = limiter('inference=1/s,*=2/s');
  const named = fakeCall();
  named.principal = { name: '192.0.2.1', roles: [] };
  void limits.accountOf(fakeCall(), 'trace')?.charge(1);
  void limits.accountOf(named, 'inference')?.charge(1);
  void limits.accountOf(fakeCall({ peer: '::ffff:192.0.2.9' }), 'trace')?.charge(1);
  expect(keys()).toEqual(['trace at 192.0.2.1', 'inference named 192.0.2.1', 'trace at 192.0.2.9']);
});

it('knows no limit where none is set', () => {
  expect(limiter('inference=1/s').accountOf(fakeCall(), 'trace')).toBeUndefined();
  expect(limiter('').accountOf(fakeCall(), 'inference')).toBeUndefined();
});

it('refuses with the family, the limit and the time', async () => {
  buckets.wait = 249.5;
  const account = limiter('inference=4/s').accountOf(fakeCall(), 'inference');
  const refusal = {
    code: 'resource-exhausted',
    message: 'Rate limit: too many requests of the family inference (inference=4/s): try again in 250 ms',
    retryAfterMs: 249.5,
  };
  expect(() => account?.charge(1)).toThrow(expect.objectContaining(refusal) as Error);
  buckets.wait = Promise.resolve(249.5);
  await expect(account?.charge(1)).rejects.toMatchObject(refusal);
});

describe('batches', () => {
  const tokens = () => buckets.taken.map((take) => take.tokens);

  it.each([
    ['request', 50, [1]],
    ['batch', 50, [50]],
    ['batch', 0, [1]],
    ['batch', -7, [1]],
    ['batch', Number.NaN, [1]],
  ] as const)('cost by weight: %s, %d items', (weight, items, expected) => {
    void limiter('inference=100/s', weight).accountOf(fakeCall(), 'inference')?.charge(items);
    expect(tokens()).toEqual(expected);
  });

  it('that could never be paid are refused, and cost nothing', () => {
    const account = limiter('inference=10/s', 'batch').accountOf(fakeCall(), 'inference');
    for (const items of [11, 2 ** 62, Infinity]) {
      expect(() => account?.charge(items)).toThrow('is more than inference=10/s ever permits: send at most 10');
    }
    expect(tokens()).toEqual([]);
  });

  it('that are known later pay the rest; further requests of the call pay in full', () => {
    const account = limiter('inference=10/s', 'batch').accountOf(fakeCall(), 'inference');
    const later = account?.prepaid();
    void later?.(4);
    void later?.(4);
    void account?.prepaid()(1);
    expect(tokens()).toEqual([3, 4]);
  });
});

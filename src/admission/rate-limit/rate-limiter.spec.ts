import { beforeEach, describe, expect, it } from 'vitest';
import type { EncodedRequest } from '../../core/inference/request.js';
import { decodeInferRequest } from '../../protocol/grpc/decode.js';
import { fakeCall } from '../../testing/fake-call-context.js';
import { FakeTokenBuckets } from '../../testing/fake-token-buckets.js';
import type { RateLimitConfig } from './rate-limit.config.js';
import { RateLimiter } from './rate-limiter.js';

let buckets: FakeTokenBuckets;

beforeEach(() => {
  buckets = new FakeTokenBuckets();
});

const list = (limits: string): string[] => (limits === '' ? [] : limits.split(','));

const limiter = (
  limits: string,
  RATE_LIMIT_WEIGHT: RateLimitConfig['RATE_LIMIT_WEIGHT'] = 'request',
  models = '',
): RateLimiter =>
  new RateLimiter({ RATE_LIMIT: list(limits), RATE_LIMIT_MODELS: list(models), RATE_LIMIT_WEIGHT }, buckets);

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

describe('models', () => {
  const request = (model: string, items = 1): EncodedRequest =>
    decodeInferRequest({ model_name: model, inputs: [{ name: 'x', datatype: 'FP32', shape: [items] }] });

  it('have a bucket each, by their own limit or that of all others, where there is any', () => {
    const charge = limiter('', 'batch', 'iris=4/s,*=2/s').behindGuards();
    void charge?.(request('iris', 3));
    void charge?.(request('fraud', 2));
    expect(buckets.taken).toMatchObject([
      { key: 'model iris', tokens: 3, size: { capacity: 4 } },
      { key: 'model fraud', tokens: 2, size: { capacity: 2 } },
    ]);
    void limiter('', 'request', 'iris=4/s').behindGuards()?.(request('fraud'));
    expect(buckets.taken).toHaveLength(2);
    expect(limiter('').behindGuards()).toBeUndefined();
  });

  it('refuse with their name, the limit and the time', () => {
    buckets.wait = 249.5;
    const message = "Rate limit: too many requests for model 'iris' (iris=4/s): try again in 250 ms";
    const refusal = { code: 'resource-exhausted', message, retryAfterMs: 249.5 };
    expect(() => limiter('', 'request', 'iris=4/s').behindGuards()?.(request('iris'))).toThrow(
      expect.objectContaining(refusal) as Error,
    );
  });

  it('are charged after the caller, and not for one who is over the limit', async () => {
    const limits = limiter('', 'request', '*=4/s');
    await limits.behindGuards(() => Promise.resolve())?.(request('iris'));
    expect(keys()).toEqual(['model iris']);
    await expect(limits.behindGuards(() => Promise.reject(new Error('no')))?.(request('iris'))).rejects.toThrow('no');
    const refuse = (): void => {
      throw new Error('no');
    };
    expect(() => limits.behindGuards(refuse)?.(request('iris'))).toThrow('no');
    expect(keys()).toEqual(['model iris']);
  });
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

import { beforeEach, describe, expect, it } from 'vitest';
import { accessRequestOf } from '../../../testing/fake-access-request.js';
import { FakePolicyDecisionPoint } from '../../../testing/fake-policy-decision-point.js';
import { CachedPolicy } from './cached-policy.js';
import type { AccessRequest } from '../policy-decision-point.js';

let now: number;
let inner: FakePolicyDecisionPoint;
let policy: CachedPolicy;

beforeEach(() => {
  now = 0;
  inner = new FakePolicyDecisionPoint();
  policy = new CachedPolicy(inner, 1_000, () => now);
});

it('answers a permit that it remembers at once, until its time is over', async () => {
  expect(await policy.decide(accessRequestOf())).toBe('permit');
  now = 999;
  expect(policy.decide(accessRequestOf({ requestId: 'r-2' }))).toBe('permit');
  now = 1_000;
  expect(policy.decide(accessRequestOf())).toBeInstanceOf(Promise);
  expect(inner.requests).toHaveLength(2);
});

it('counts the time from the question on', async () => {
  const pending = policy.decide(accessRequestOf());
  now = 900;
  await pending;
  now = 1_000;
  expect(policy.decide(accessRequestOf())).toBeInstanceOf(Promise);
});

it('asks anew after a denial and after a failure', async () => {
  inner.answer = 'deny';
  expect(await policy.decide(accessRequestOf())).toBe('deny');
  inner.answer = new Error('down');
  await expect(policy.decide(accessRequestOf())).rejects.toThrow('down');
  inner.answer = 'permit';
  expect(await policy.decide(accessRequestOf())).toBe('permit');
  expect(inner.requests).toHaveLength(3);
});

it('asks identical questions at a time as one, and recovers when that one fails', async () => {
  inner.answer = new Error('down');
  const ask = async () => policy.decide(accessRequestOf());
  await Promise.allSettled([ask(), ask()]);
  expect(inner.requests).toHaveLength(1);
  inner.answer = 'permit';
  expect(await policy.decide(accessRequestOf())).toBe('permit');
});

describe('A17 what is another question', () => {
  const named = (name: string, roles: readonly string[] = []) => ({ principal: { name, roles } });

  it.each<[string, Partial<AccessRequest>, Partial<AccessRequest>]>([
    ['caller', named('ci'), named('ops')],
    ['anonymity', { principal: undefined }, named('')],
    ['roles', named('ci', ['a']), named('ci', ['b'])],
    ['the cut between roles', named('ci', ['a,b']), named('ci', ['a', 'b'])],
    ['the cut between name and roles', named('ci","a'), named('ci', ['a'])],
    ['action', { action: 'inference' }, { action: 'metadata' }],
    ['operation', { operation: 'GET /a' }, { operation: 'GET /b' }],
    ['model', { model: 'iris' }, { model: 'fraud' }],
    ['version', { version: '1' }, { version: '2' }],
    ['the cut between model and version', { model: 'a', version: 'b' }, { model: 'a","b', version: '' }],
    ['address', { peer: '192.0.2.1' }, { peer: '192.0.2.2' }],
    ['a long name', { model: 'm'.repeat(1_000) }, { model: `${'m'.repeat(999)}n` }],
  ])('%s', async (_, first, second) => {
    await policy.decide(accessRequestOf(first));
    await policy.decide(accessRequestOf(second));
    expect(inner.requests).toHaveLength(2);
    expect(policy.decide(accessRequestOf(first))).toBe('permit');
  });
});

it('forgets the oldest permit when there are too many', async () => {
  for (let index = 0; index <= 10_000; index++) await policy.decide(accessRequestOf({ model: `m${index}` }));
  expect(policy.decide(accessRequestOf({ model: 'm1' }))).toBe('permit');
  expect(policy.decide(accessRequestOf({ model: 'm0' }))).toBeInstanceOf(Promise);
});

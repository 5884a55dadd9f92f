import { expect, it } from 'vitest';
import { FailureLimiter } from './failure-limiter.js';

function limiter(perMinute: number) {
  let now = 1_000_000;
  const failures = new FailureLimiter(perMinute, () => now);
  const fail = (times: number, peer: string): void => {
    for (let time = 0; time < times; time++) failures.note(peer);
  };
  return { failures, fail, pass: (ms: number) => (now += ms) };
}

it('makes a peer wait that used up its minute, and fills up evenly', () => {
  const { failures, fail, pass } = limiter(30);
  fail(29, '192.0.2.1');
  expect(failures.waitMs('192.0.2.1')).toBe(0);
  fail(1, '192.0.2.1');
  expect(failures.waitMs('192.0.2.1')).toBe(2_000);
  expect(failures.waitMs('192.0.2.2')).toBe(0);
  pass(1_500);
  expect(failures.waitMs('192.0.2.1')).toBe(500);
  pass(500);
  expect(failures.waitMs('192.0.2.1')).toBe(0);
  fail(1, '192.0.2.1');
  expect(failures.waitMs('192.0.2.1')).toBe(2_000);
  pass(3_600_000);
  fail(29, '192.0.2.1');
  expect(failures.waitMs('192.0.2.1')).toBe(0);
});

it('does not let failures pile up beyond the minute', () => {
  const { failures, fail } = limiter(30);
  fail(10_000, '192.0.2.1');
  expect(failures.waitMs('192.0.2.1')).toBe(2_000);
});

it('counts nothing at 0', () => {
  const { failures, fail } = limiter(0);
  fail(1_000, '192.0.2.1');
  expect(failures.waitMs('192.0.2.1')).toBe(0);
});

it.each([
  ['192.0.2.1', '::ffff:192.0.2.1', true],
  ['192.0.2.1', '192.0.2.10', false],
  ['2001:db8:0:7::1', '2001:DB8:0:7:aaaa:bbbb:cccc:dddd', true],
  ['2001:db8::1', '2001:db8:0:0:1::', true],
  ['2001:db8:0:7::1', '2001:db8:0:8::1', false],
  ['::1', '0:0:0:0:0:0:0:2', true],
  ['fe80::1%eth0', 'fe80::2%eth0', true],
  ['', '', true],
])('takes %j and %j for the same: %s', (one, other, same) => {
  const { failures, fail } = limiter(1);
  fail(1, one);
  expect(failures.waitMs(other) > 0).toBe(same);
});

it('remembers 10,000 peers, and forgets the one that was quiet for longest', () => {
  const { failures, fail } = limiter(1);
  const peer = (index: number): string => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
  for (let index = 0; index < 10_000; index++) fail(1, peer(index));
  fail(1, peer(0));
  fail(1, peer(10_000));
  expect(failures.waitMs(peer(0))).toBeGreaterThan(0);
  expect(failures.waitMs(peer(1))).toBe(0);
  expect(failures.waitMs(peer(2))).toBeGreaterThan(0);
});

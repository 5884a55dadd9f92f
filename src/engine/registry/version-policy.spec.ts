import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compareVersions, isNumericVersion } from './version-policy.js';

it.each(['1', '9', '10', '20260101', '99999999999999999999'])('%s is a number', (version) => {
  expect(isNumericVersion(version)).toBe(true);
});

it.each(['', '0', '01', '-1', '+1', '1.0', '1e3', ' 1', '1\n', 'v1', '1a', '\u0661'])('%j is none', (version) => {
  expect(isNumericVersion(version)).toBe(false);
});

it('puts free text before numbers, and numbers in the order of their values', () => {
  const versions = ['10', '2', 'v10', '1', 'beta', '9007199254740993', '9007199254740992', 'v2', '01'];
  expect(versions.sort(compareVersions)).toEqual([
    '01',
    'beta',
    'v10',
    'v2',
    '1',
    '2',
    '10',
    '9007199254740992',
    '9007199254740993',
  ]);
});

const version = fc.oneof(fc.string({ maxLength: 3 }), fc.bigInt({ min: 1n, max: 10n ** 20n }).map(String));

it('is an order: whatever comes in, the same goes out', () => {
  fc.assert(
    fc.property(fc.uniqueArray(version), fc.uniqueArray(version), (some, others) => {
      const versions = [...new Set([...some, ...others])];
      const sorted = versions.toSorted(compareVersions);
      expect(versions.toReversed().sort(compareVersions)).toEqual(sorted);
      for (const [index, one] of sorted.entries()) {
        expect(compareVersions(one, one)).toBe(0);
        for (const later of sorted.slice(index + 1)) expect(Math.sign(compareVersions(one, later))).toBe(-1);
      }
    }),
  );
});

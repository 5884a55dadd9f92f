import { expect, it } from 'vitest';
import { fits } from './model-pattern.js';

it.each([
  ['iris', 'iris', true],
  ['iris', 'iris2', false],
  ['iris', 'Iris', false],
  ['*', '', true],
  ['*', 'anything', true],
  ['digit*', 'digit-reader', true],
  ['digit*', 'digit', true],
  ['digit*', 'a-digit', false],
  ['*-reader', 'digit-reader', true],
  ['*-reader', '-reade', false],
  ['a*a', 'a', false],
  ['a*a', 'aa', true],
  ['a*b*c', 'a-b-c', true],
  ['a*b*c', 'a-c-b', false],
  ['a*bc*c', 'abc', false],
  ['a*bc*c', 'abcc', true],
  ['a**c', 'ac', true],
  ['a.c', 'abc', false],
  ['[a-z]+', '[a-z]+', true],
  ['?', 'x', false],
  ['*aab*', 'aaaab', true],
])('%s against %s: %s', (pattern, name, expected) => {
  expect(fits(pattern, name)).toBe(expected);
});

it('A63 takes linear time for patterns and names that would keep a backtracking matcher busy', () => {
  const started = performance.now();
  expect(fits(`${'*a'.repeat(10_000)}b`, 'a'.repeat(1_000_000))).toBe(false);
  expect(performance.now() - started).toBeLessThan(2_000);
});

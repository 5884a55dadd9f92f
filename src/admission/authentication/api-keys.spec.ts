import { expect, it } from 'vitest';
import { ConfigurationError } from '../../config/configuration-error.js';
import { digestOf, parseApiKeys } from './api-keys.js';

const KEY = 'hush-hush-hush-1';
const OTHER = 'hush-hush:hush#2';

function problemsOf(text: string): readonly string[] {
  try {
    parseApiKeys(text);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

it('reads entries between commas and line ends, and leaves comments out', () => {
  const keys = [
    { name: 'ci', digest: digestOf(KEY) },
    { name: 'ops@example.org', digest: digestOf(OTHER) },
  ];
  expect(parseApiKeys(`ci:${KEY}, ops@example.org:${OTHER},`)).toEqual(keys);
  expect(parseApiKeys(`# who, and why\r\nci:${KEY}\r\n\n  ops@example.org:${OTHER} # until May, then not\n`)).toEqual(
    keys,
  );
});

it.each([
  [`ci:${KEY},hush-hush-hush-2`, 'API_KEYS: entry 2 is malformed: write name:key'],
  [`:${KEY}`, 'API_KEYS: entry 1 is malformed: write name:key'],
  ['ci:hush', "API_KEYS: the key of 'ci' has fewer than 16 characters: use a longer one"],
  ['ci:', "API_KEYS: the key of 'ci' has fewer than 16 characters: use a longer one"],
  [
    'ci:hush hush hush hush',
    "API_KEYS: the key of 'ci' has characters that no header carries: use printable ASCII without blanks",
  ],
  [`ci:${KEY},ci:${OTHER}`, "API_KEYS: the name 'ci' stands twice: give each key a name of its own"],
  [`ci:${KEY},ops:${KEY}`, "API_KEYS: 'ci' and 'ops' have the same key: give each a key of its own"],
  ['# nobody yet', 'API_KEYS: there is no entry: write name:key'],
])('refuses %j without telling a key', (text, problem) => {
  expect(problemsOf(text)).toEqual([problem]);
  expect(problem).not.toContain('hush');
});

it('lists all problems at once', () => {
  expect(problemsOf('a,b:c,d:e')).toHaveLength(3);
});

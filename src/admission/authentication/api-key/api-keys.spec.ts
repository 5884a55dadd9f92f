import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../../config/configuration-error.js';
import { digestOf, parseApiKeys, parseHashedApiKeys } from './api-keys.js';

const KEY = 'hush-hush-hush-1';
const OTHER = 'hush-hush:hush#2';

function problemsOf(text: string, parse: (text: string) => unknown = parseApiKeys): readonly string[] {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

it('reads entries between commas and line ends, and leaves comments out', () => {
  const keys = [
    { name: 'ci', roles: [], digest: digestOf(KEY) },
    { name: 'ops@example.org', roles: [], digest: digestOf(OTHER) },
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

describe('the file', () => {
  const HASH = digestOf(KEY).toString('hex');
  const OTHER_HASH = digestOf(OTHER).toString('hex');

  it('has hashes, and roles where there are any', () => {
    const text = `# who, and why\r\nci:sha256:${HASH}\n\nops:SHA256:${OTHER_HASH.toUpperCase()}:admin|model/ops # until May`;
    expect(parseHashedApiKeys(text)).toEqual([
      { name: 'ci', roles: [], digest: digestOf(KEY) },
      { name: 'ops', roles: ['admin', 'model/ops'], digest: digestOf(OTHER) },
    ]);
  });

  it.each([
    [
      `ci:${KEY}`,
      "API_KEYS_FILE: the entry of 'ci' holds no hash of a key: write ci:sha256:<hash>, where <hash> is what " +
        'printf %s "$KEY" | sha256sum prints',
    ],
    ['hush-hush-hush', 'API_KEYS_FILE: entry 1 is malformed: write name:sha256:<hash>'],
    [
      `ci:sha256:${HASH}\nci:sha256:${'0'.repeat(64)}`,
      "API_KEYS_FILE: the name 'ci' stands twice: give each key a name of its own",
    ],
    [`a:sha256:${HASH}\nb:sha256:${HASH}`, "API_KEYS_FILE: 'a' and 'b' have the same key: give each a key of its own"],
    [`old:sha256:${HASH}`, "API_KEYS_FILE: the name 'old' stands twice: give each key a name of its own"],
    [`new:sha256:${OTHER_HASH}`, "API_KEYS_FILE: 'old' and 'new' have the same key: give each a key of its own"],
    ['', 'API_KEYS_FILE: there is no entry: write name:sha256:<hash>'],
  ])('refuses %j without telling a key', (text, problem) => {
    const others = [{ name: 'old', roles: [], digest: digestOf(OTHER) }];
    expect(problemsOf(text, (lines) => parseHashedApiKeys(lines, others))).toEqual([problem]);
    expect(problem).not.toContain('hush');
  });

  it.each([
    `ci:sha256:${HASH.slice(1)}`,
    `ci:sha256:${HASH}0`,
    `ci:sha256:${HASH}:`,
    `ci:sha256:${HASH}:a b`,
    `ci:sha1:${HASH}`,
  ])('refuses %j', (line) => {
    expect(problemsOf(line, parseHashedApiKeys)).toHaveLength(1);
  });

  it('gets its lines from a script that shows the key once', async () => {
    const script = join(import.meta.dirname, '../../../../scripts/api-key.mjs');
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [script, 'ci', 'admin', 'ops']);
    const [, key = ''] = /: (\S{43})\n$/.exec(stderr) ?? [];
    expect(parseHashedApiKeys(stdout)).toEqual([{ name: 'ci', roles: ['admin', 'ops'], digest: digestOf(key) }]);
    await expect(promisify(execFile)(process.execPath, [script, 'a b'])).rejects.toThrow('usage');
  });
});

import { createHash } from 'node:crypto';
import { ConfigurationError } from '../../config/configuration-error.js';

/** A key as it is kept: whoever reads the memory of the process does not get it back. */
export interface ApiKey {
  readonly name: string;
  readonly digest: Buffer;
}

/** SHA-256: keys are long and random, so a slow hash would add nothing. */
export const digestOf = (key: string): Buffer => createHash('sha256').update(key).digest();

/**
 * Reads `name:key` entries, with commas or line ends between, and comments from `#` to the end of the line. Throws a
 * `ConfigurationError` that names the entries it refuses, never their keys.
 */
export function parseApiKeys(text: string): ApiKey[] {
  const keys: ApiKey[] = [];
  const problems: string[] = [];
  for (const [index, entry] of entriesOf(text).entries()) {
    const [, name, key = ''] = ENTRY.exec(entry) ?? [];
    if (name === undefined) problems.push(`API_KEYS: entry ${index + 1} is malformed: write name:key`);
    else if (key.length < MIN_KEY_LENGTH) problems.push(`API_KEYS: ${tooShort(name)}`);
    else if (!PRINTABLE.test(key)) problems.push(`API_KEYS: ${unprintable(name)}`);
    else {
      const digest = digestOf(key);
      const twin = keys.find((other) => other.name === name || other.digest.equals(digest));
      if (twin !== undefined) problems.push(`API_KEYS: ${duplicate(name, twin.name)}`);
      keys.push({ name, digest });
    }
  }
  if (keys.length === 0 && problems.length === 0) problems.push('API_KEYS: there is no entry: write name:key');
  if (problems.length > 0) throw new ConfigurationError(problems);
  return keys;
}

const ENTRY = /^([\w.@-]+):(.*)$/;
const MIN_KEY_LENGTH = 16;
/** What a header can carry. */
const PRINTABLE = /^[\x21-\x7e]+$/;

const entriesOf = (text: string): string[] =>
  text
    .split(/\r?\n/)
    .flatMap((line) => line.replace(/(^|\s)#.*$/, '').split(','))
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');

const tooShort = (name: string): string =>
  `the key of '${name}' has fewer than ${MIN_KEY_LENGTH} characters: use a longer one`;

const unprintable = (name: string): string =>
  `the key of '${name}' has characters that no header carries: use printable ASCII without blanks`;

const duplicate = (name: string, twin: string): string =>
  name === twin
    ? `the name '${name}' stands twice: give each key a name of its own`
    : `'${twin}' and '${name}' have the same key: give each a key of its own`;

import { hash } from 'node:crypto';
import { ConfigurationError } from '../../../config/configuration-error.js';

/** A key as it is kept: whoever reads the memory of the process does not get it back. */
export interface ApiKey {
  readonly name: string;
  readonly roles: readonly string[];
  readonly digest: Buffer;
}

/** SHA-256: keys are long and random, so a slow hash would add nothing. */
export const digestOf = (key: string): Buffer => hash('sha256', key, 'buffer');

/**
 * Reads the `name:key` entries of `API_KEYS`, with commas or line ends between, and comments from `#` to the end of the
 * line. Throws a `ConfigurationError` that names the entries it refuses, never their keys.
 */
export const parseApiKeys = (text: string): ApiKey[] =>
  collect(
    'API_KEYS',
    PLAIN_FORM,
    linesOf(text).flatMap((line) => line.split(',').map((entry) => entry.trim())),
    readPlain,
  );

/**
 * Reads the lines of `API_KEYS_FILE`: `name:sha256:<hash>`, or with roles `name:sha256:<hash>:role1|role2`. Throws a
 * `ConfigurationError`, also for a name or a key that `others` has already.
 */
export const parseHashedApiKeys = (text: string, others: readonly ApiKey[] = []): ApiKey[] =>
  collect('API_KEYS_FILE', HASHED_FORM, linesOf(text), readHashed, others);

/** A key, or what is wrong with its entry. */
type Reading = ApiKey | string;

function collect(
  source: string,
  form: string,
  entries: readonly string[],
  read: (entry: string, number: number) => Reading,
  others: readonly ApiKey[] = [],
): ApiKey[] {
  const keys: ApiKey[] = [];
  const problems: string[] = [];
  for (const [index, entry] of entries.filter((text) => text !== '').entries()) {
    const key = read(entry, index + 1);
    if (typeof key === 'string') problems.push(key);
    else {
      const twin = [...others, ...keys].find(({ name, digest }) => name === key.name || digest.equals(key.digest));
      if (twin !== undefined) problems.push(duplicate(key.name, twin.name));
      keys.push(key);
    }
  }
  if (keys.length === 0 && problems.length === 0) problems.push(`there is no entry: write ${form}`);
  if (problems.length > 0) throw new ConfigurationError(problems.map((problem) => `${source}: ${problem}`));
  return keys;
}

function readPlain(entry: string, number: number): Reading {
  const [, name, key = ''] = PLAIN.exec(entry) ?? [];
  if (name === undefined) return `entry ${number} is malformed: write ${PLAIN_FORM}`;
  if (key.length < MIN_KEY_LENGTH)
    return `the key of '${name}' has fewer than ${MIN_KEY_LENGTH} characters: use a longer one`;
  if (!PRINTABLE.test(key))
    return `the key of '${name}' has characters that no header carries: use printable ASCII without blanks`;
  return { name, roles: [], digest: digestOf(key) };
}

function readHashed(entry: string, number: number): Reading {
  const [, name, digest, roles = ''] = HASHED.exec(entry) ?? [];
  if (name !== undefined && digest !== undefined)
    return { name, roles: roles === '' ? [] : roles.split('|'), digest: Buffer.from(digest, 'hex') };
  const [, owner] = PLAIN.exec(entry) ?? [];
  return owner === undefined
    ? `entry ${number} is malformed: write ${HASHED_FORM}`
    : `the entry of '${owner}' holds no hash of a key: write ${owner}:sha256:<hash>, where <hash> is what ` +
        `printf %s "$KEY" | sha256sum prints`;
}

const PLAIN_FORM = 'name:key';
const HASHED_FORM = 'name:sha256:<hash>';
const PLAIN = /^([\w.@-]+):(.*)$/;
const HASHED = /^([\w.@-]+):sha256:([\da-f]{64})(?::([\w.@/-]+(?:\|[\w.@/-]+)*))?$/i;
const MIN_KEY_LENGTH = 16;
/** What a header can carry. */
const PRINTABLE = /^[\x21-\x7e]+$/;

const linesOf = (text: string): string[] => text.split(/\r?\n/).map((line) => line.replace(/(^|\s)#.*$/, '').trim());

const duplicate = (name: string, twin: string): string =>
  name === twin
    ? `the name '${name}' stands twice: give each key a name of its own`
    : `'${twin}' and '${name}' have the same key: give each a key of its own`;

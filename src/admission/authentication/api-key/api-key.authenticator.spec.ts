import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { FileWatcher, type ReloadEvent } from '../../../config/file-watcher.js';
import { ServingError } from '../../../core/errors/serving-error.js';
import { fakeCredentials } from '../../../testing/fake-credentials.js';
import { AuthenticationConfig } from '../authentication.config.js';
import { ApiKeyAuthenticator } from './api-key.authenticator.js';
import { digestOf } from './api-keys.js';

const CI = 'key-of-the-ci-0001';
const OPS = 'key-of-the-ops-0002';

let folder: string;
let watcher: FileWatcher;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'keys-'));
  watcher = new FileWatcher({ RELOAD_INTERVAL_MS: 86_400_000 });
  vi.spyOn(Logger.prototype, 'log').mockReturnValue();
  vi.spyOn(Logger.prototype, 'error').mockReturnValue();
});

afterAll(() => {
  watcher.onApplicationShutdown();
  rmSync(folder, { recursive: true });
  vi.restoreAllMocks();
});

const make = (config: Partial<AuthenticationConfig> = {}) =>
  new ApiKeyAuthenticator(Object.assign(new AuthenticationConfig(), config), watcher);

const ask = (authenticator: ApiKeyAuthenticator, headers: Readonly<Record<string, string>>) =>
  authenticator.authenticate(fakeCredentials(headers));

const unknown = new ServingError('unauthenticated', 'Invalid credentials: the API key is not known');

describe('the keys of the environment', () => {
  const both = { API_KEYS: `ci:${CI},ops:${OPS}` };

  it.each([
    ['x-api-key', { 'x-api-key': CI }, 'ci'],
    ['a bearer', { authorization: `Bearer ${OPS}` }, 'ops'],
    ['a bearer in lower case', { authorization: `bearer  ${OPS}` }, 'ops'],
    ['a bearer that is meant for a gateway', { 'x-api-key': CI, authorization: 'Bearer e.y.J' }, 'ci'],
    ['a bearer beside a wrong key', { 'x-api-key': 'wrong', authorization: `Bearer ${OPS}` }, 'ops'],
  ])('tell a caller by %s', (_, headers, name) => {
    expect(ask(make(both), headers)).toEqual({ name, roles: [] });
  });

  it.each([{}, { authorization: 'Basic dTpw' }, { authorization: 'Bearer' }])('are not asked for in %j', (headers) => {
    expect(ask(make(both), headers)).toBeUndefined();
  });

  it.each(['wrong', '', `${CI}x`, CI.slice(0, -1), `ci:${CI}`, 'ключ'])('do not hold %j', (key) => {
    expect(() => ask(make(both), { 'x-api-key': key })).toThrow(unknown);
  });

  it('leave what looks like a token to others, unless it is a key', () => {
    expect(ask(make(both), { authorization: 'Bearer e30.e30.c2ln' })).toBeUndefined();
    expect(
      ask(make({ API_KEYS: 'dots:abcdef.ghijkl.mnopqr' }), { authorization: 'Bearer abcdef.ghijkl.mnopqr' }),
    ).toEqual({ name: 'dots', roles: [] });
  });

  it('are recalled at a glance, without an error for others', () => {
    expect(make(both).recall(fakeCredentials({ 'x-api-key': OPS }))).toEqual({ name: 'ops', roles: [] });
    expect(make(both).recall(fakeCredentials({ 'x-api-key': 'wrong' }))).toBeUndefined();
  });

  it('are kept as digests', () => {
    expect(inspect(make(both), { depth: 9 })).not.toContain('key-of-the');
  });
});

describe('the keys of the file', () => {
  const line = (name: string, key: string, roles = ''): string =>
    `${name}:sha256:${digestOf(key).toString('hex')}${roles}\n`;

  const write = (text: string): string => {
    const path = join(folder, 'keys.txt');
    writeFileSync(path, text);
    return path;
  };

  it('come with roles, and beside those of the environment', () => {
    const both = make({ API_KEYS: `ci:${CI}`, API_KEYS_FILE: write(line('ops', OPS, ':admin|ops')) });
    expect(ask(both, { 'x-api-key': OPS })).toEqual({ name: 'ops', roles: ['admin', 'ops'] });
    expect(ask(both, { 'x-api-key': CI })).toEqual({ name: 'ci', roles: [] });
  });

  it('end the start when a name stands in both places', () => {
    expect(() => make({ API_KEYS: `ci:${CI}`, API_KEYS_FILE: write(line('ci', OPS)) })).toThrow(
      "API_KEYS_FILE: the name 'ci' stands twice",
    );
  });

  it('are taken up when they change; a broken file is refused, and the last keys stay', async () => {
    const events: ReloadEvent[] = [];
    watcher.onReload((event) => events.push(event));
    const keys = make({ API_KEYS_FILE: write(line('ops', OPS)) });
    write(line('ci', CI));
    await watcher.checkNow();
    expect(() => ask(keys, { 'x-api-key': OPS })).toThrow(unknown);
    expect(ask(keys, { 'x-api-key': CI })).toMatchObject({ name: 'ci' });
    write(`ops:${OPS}\n`);
    await watcher.checkNow();
    expect(ask(keys, { 'x-api-key': CI })).toMatchObject({ name: 'ci' });
    expect(events.at(-1)).toMatchObject({ name: 'API_KEYS_FILE', outcome: 'refused' });
    expect(events.at(-1)?.reason).toMatch(/^API_KEYS_FILE: the entry of 'ops' holds no hash/);
    expect(JSON.stringify(events)).not.toContain('key-of-the');
  });
});

it('is configured exactly when there are keys', () => {
  expect(make({ API_KEYS: `ci:${CI}` }).configured).toBe(true);
  expect(make().configured).toBe(false);
});

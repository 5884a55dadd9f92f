import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  forgedToken,
  HOUR,
  issuer,
  nowSeconds,
  SECRET,
  secretToken,
  tokenOf,
  type TokenParts,
} from '../../../../test/support/tokens.js';
import { FileWatcher } from '../../../config/file-watcher.js';
import { ServingError } from '../../../core/errors/serving-error.js';
import { fakeCredentials } from '../../../testing/fake-credentials.js';
import { JwtAuthenticator } from './jwt.authenticator.js';
import { JwtConfig } from './jwt.config.js';

let folder: string;
let watcher: FileWatcher;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'jwt-'));
  watcher = new FileWatcher({ RELOAD_INTERVAL_MS: 86_400_000 });
  vi.spyOn(Logger.prototype, 'log').mockReturnValue();
  vi.spyOn(Logger.prototype, 'error').mockReturnValue();
});

afterAll(() => {
  watcher.onApplicationShutdown();
  rmSync(folder, { recursive: true });
  vi.restoreAllMocks();
});

const make = (config: Partial<JwtConfig> = { AUTH_SECRET: SECRET }, clock?: () => number) =>
  new JwtAuthenticator(Object.assign(new JwtConfig(), config), watcher, clock);

const bearer = (token: string) => fakeCredentials({ authorization: `Bearer ${token}` });

const ask = async (authenticator: JwtAuthenticator, token: string) => authenticator.authenticate(bearer(token));

const refusalOf = async (config: Partial<JwtConfig>, token: string | Promise<string>): Promise<string> => {
  const presented = await token;
  const refusal: unknown = await ask(make(config), presented).then(
    (principal) => `let in: ${principal?.name}`,
    (thrown: unknown) => thrown,
  );
  if (!(refusal instanceof ServingError)) return String(refusal);
  expect(refusal.code).toBe('unauthenticated');
  for (const part of presented.split('.')) if (part.length > 8) expect(refusal.message).not.toContain(part);
  return refusal.message;
};

describe('a token', () => {
  it("says who calls by its subject, as aiSSEMBLE's do", async () => {
    expect(await ask(make(), await secretToken({ claims: { sub: 'alloweduser' } }))).toEqual({
      name: 'alloweduser',
      roles: [],
    });
  });

  it.each([
    ['roles', { roles: ['admin', 'ops', 7, null] }, ['admin', 'ops']],
    ['roles', { roles: ' admin  ops ' }, ['admin', 'ops']],
    ['roles', {}, []],
    ['roles', { roles: { admin: true } }, []],
    ['scope', { roles: 'admin', scope: 'infer read' }, ['infer', 'read']],
    ['realm_access.roles', { realm_access: { roles: ['admin'] } }, ['admin']],
    ['realm_access.roles', { realm_access: 'admin' }, []],
    ['https://example.org/roles', { 'https://example.org/roles': ['admin'] }, ['admin']],
    ['constructor.name', {}, []],
    ['__proto__', {}, []],
  ])('gives roles by the claim %s of %j', async (JWT_ROLES_CLAIM, claims, roles) => {
    expect(await ask(make({ AUTH_SECRET: SECRET, JWT_ROLES_CLAIM }), await secretToken({ claims }))).toEqual({
      name: 'alice',
      roles,
    });
  });

  it.each(['HS384', 'HS512'])('may be signed by %s where that is configured', async (alg) => {
    const secret = SECRET.repeat(2);
    const token = await secretToken({ header: { alg } }, secret);
    expect(await ask(make({ AUTH_SECRET: secret, AUTH_ALGORITHM: ['HS256', alg] }), token)).toMatchObject({
      name: 'alice',
    });
    expect(await refusalOf({ AUTH_SECRET: secret }, token)).toBe('Invalid token: its algorithm is not accepted');
  });

  it('is one of several audiences, or has several', async () => {
    const config = { AUTH_SECRET: SECRET, JWT_AUDIENCE: ['inference', 'models'], JWT_ISSUER: 'https://id.example.org' };
    for (const aud of ['models', ['other', 'inference']])
      expect(await ask(make(config), await secretToken({ claims: { aud, iss: config.JWT_ISSUER } }))).toMatchObject({
        name: 'alice',
      });
  });
});

const STRICT = { AUTH_SECRET: SECRET, JWT_ISSUER: 'https://id.example.org', JWT_AUDIENCE: ['inference'] };
const RIGHT = { iss: 'https://id.example.org', aud: 'inference' };
const wrong = (claims: object): TokenParts => ({ claims: { ...RIGHT, ...claims } });

describe('refuses a token', () => {
  it.each([
    ['expired', 'expired', wrong({ exp: nowSeconds() - 10 })],
    ['of the future', 'not yet valid', wrong({ nbf: nowSeconds() + HOUR })],
    ['of another issuer', 'wrong issuer', wrong({ iss: 'https://id.example.com' })],
    ['of no issuer', 'without an issuer', wrong({ iss: undefined })],
    ['of several issuers', 'wrong issuer', wrong({ iss: ['https://id.example.org'] })],
    ['for another audience', 'wrong audience', wrong({ aud: 'other' })],
    ['for other audiences', 'wrong audience', wrong({ aud: ['other', ['inference'], { inference: true }] })],
    ['for no audience', 'without an audience', wrong({ aud: undefined })],
    ['without an expiry', 'without an expiry', wrong({ exp: undefined })],
    ['with an expiry of text', 'malformed', wrong({ exp: String(nowSeconds() + HOUR) })],
    ['with a beginning of text', 'malformed', wrong({ nbf: '0' })],
    ['without a subject', 'without a subject', wrong({ sub: undefined })],
    ['with an empty subject', 'without a subject', wrong({ sub: ' ' })],
    ['with a subject that is no text', 'without a subject', wrong({ sub: { admin: true } })],
  ])('%s: %s', async (_, reason, parts) => {
    expect(await refusalOf(STRICT, secretToken(parts))).toBe(`Invalid token: ${reason}`);
  });

  it.each([
    ['of another secret', 'wrong signature', secretToken({}, SECRET.replace('a', 'b'))],
    ['without an algorithm', 'its algorithm is not accepted', forgedToken({ alg: 'none' })],
    ['without a signature', 'wrong signature', forgedToken({ alg: 'HS256' })],
    ['with an extension that nobody knows', 'malformed', forgedToken({ alg: 'HS256', crit: ['exp'], exp: 1 })],
    ['of one part', 'malformed', 'token'],
    ['of five parts', 'malformed', 'a.b.c.d.e'],
    ['whose parts are no JSON', 'malformed', 'a.b.c'],
    ['over 16 KiB', 'longer than 16384 bytes', forgedToken({ alg: 'HS256' }, { junk: 'x'.repeat(16_384) })],
  ])('%s: %s', async (_, reason, token) => {
    expect(await refusalOf({ AUTH_SECRET: SECRET }, token)).toBe(`Invalid token: ${reason}`);
  });

  it('without having followed what its header points to, or taken the key in it', async () => {
    const fetched = vi.spyOn(globalThis, 'fetch');
    const rogue = issuer('ES256');
    const url = 'https://attacker.example.org/keys';
    const header = { alg: 'ES256', jku: url, x5u: url, x5c: [url], jwk: await rogue.jwk() };
    const { pem: trusted } = issuer('ES256');
    writeFileSync(join(folder, 'trusted.pem'), trusted);
    const token = await tokenOf(rogue, { header });
    expect(await refusalOf({ JWT_PUBLIC_KEY_FILE: join(folder, 'trusted.pem') }, token)).toBe(
      'Invalid token: wrong signature',
    );
    expect(fetched).not.toHaveBeenCalled();
    fetched.mockRestore();
  });
});

describe('the clocks', () => {
  const at = (seconds: number) => () => (nowSeconds() + seconds) * 1_000;

  it('may differ by the tolerance, and no more', async () => {
    const token = await secretToken({ claims: { exp: nowSeconds() + 60, nbf: nowSeconds() } });
    expect(await ask(make({ AUTH_SECRET: SECRET }, at(63)), token)).toMatchObject({ name: 'alice' });
    expect(await ask(make({ AUTH_SECRET: SECRET }, at(-4)), token)).toMatchObject({ name: 'alice' });
    await expect(ask(make({ AUTH_SECRET: SECRET }, at(66)), token)).rejects.toThrow('expired');
    await expect(ask(make({ AUTH_SECRET: SECRET }, at(-7)), token)).rejects.toThrow('not yet valid');
    const strict = { AUTH_SECRET: SECRET, JWT_CLOCK_TOLERANCE_S: 0 };
    await expect(ask(make(strict, at(61)), token)).rejects.toThrow('expired');
  });

  it('take a token of the far future for what it is', async () => {
    const clock = { now: Date.now() };
    const authenticator = make({ AUTH_SECRET: SECRET }, () => clock.now);
    const token = await secretToken({ claims: { exp: 9e15 } });
    await ask(authenticator, token);
    clock.now += 301_000;
    expect(authenticator.authenticate(bearer(token))).toBeInstanceOf(Promise);
  });
});

describe('a verified token', () => {
  it('is known at once from then on, and only while it is valid', async () => {
    const clock = { now: Date.now() };
    const authenticator = make({ AUTH_SECRET: SECRET }, () => clock.now);
    const token = await secretToken({ claims: { exp: Math.floor(clock.now / 1_000) + 100 } });
    const first = authenticator.authenticate(bearer(token));
    expect(first).toBeInstanceOf(Promise);
    const principal = await first;
    expect(authenticator.authenticate(bearer(token))).toBe(principal);
    expect(authenticator.recall(bearer(token))).toBe(principal);
    clock.now += 107_000;
    await expect(ask(authenticator, token)).rejects.toThrow('expired');
  });

  it('vouches for no token that differs in its signature alone', async () => {
    const authenticator = make();
    const token = await secretToken();
    await ask(authenticator, token);
    const last = token.at(-1) === 'A' ? 'B' : 'A';
    const start = token.lastIndexOf('.') + 1;
    const other = token.slice(0, start) + (token[start] === 'A' ? 'B' : 'A') + token.slice(start + 1);
    await expect(ask(authenticator, other)).rejects.toThrow('wrong signature');
    await expect(ask(authenticator, token.slice(0, start))).rejects.toThrow('wrong signature');
    await expect(ask(authenticator, token + last)).rejects.toThrow(ServingError);
  });

  it('is verified each time where nothing is to be remembered', async () => {
    const authenticator = make({ AUTH_SECRET: SECRET, JWT_CACHE_SECONDS: 0 });
    const token = await secretToken();
    await ask(authenticator, token);
    expect(authenticator.authenticate(bearer(token))).toBeInstanceOf(Promise);
  });
});

describe('a public key in a file', () => {
  const path = (): string => join(folder, 'key.pem');

  it.each(['RS256', 'ES256', 'EdDSA'] as const)('checks tokens by %s', async (algorithm) => {
    const own = issuer(algorithm);
    writeFileSync(path(), own.pem);
    const authenticator = make({ JWT_PUBLIC_KEY_FILE: path() });
    expect(await ask(authenticator, await tokenOf(own))).toMatchObject({ name: 'alice' });
    await expect(ask(authenticator, await tokenOf(issuer(algorithm)))).rejects.toThrow('wrong signature');
    await expect(ask(authenticator, await secretToken({}, own.pem))).rejects.toThrow('algorithm is not accepted');
  });

  it('is replaced while the server runs: its tokens are then unknown, remembered or not', async () => {
    const [old, next] = [issuer('ES256'), issuer('RS256')];
    writeFileSync(path(), old.pem);
    const authenticator = make({ JWT_PUBLIC_KEY_FILE: path() });
    const token = await tokenOf(old);
    await ask(authenticator, token);
    writeFileSync(path(), 'no key');
    await watcher.checkNow();
    expect(authenticator.authenticate(bearer(token))).toMatchObject({ name: 'alice' });
    writeFileSync(path(), next.pem);
    await watcher.checkNow();
    await expect(ask(authenticator, token)).rejects.toThrow('algorithm is not accepted');
    expect(await ask(authenticator, await tokenOf(next))).toMatchObject({ name: 'alice' });
  });
});

it('has nothing to say of other credentials, or without keys', async () => {
  expect(make().authenticate(fakeCredentials({ authorization: 'Basic dTpw' }))).toBeUndefined();
  expect(make().authenticate(fakeCredentials({ 'x-api-key': 'key' }))).toBeUndefined();
  expect(make({}).configured).toBe(false);
  expect(make({}).authenticate(bearer(await secretToken()))).toBeUndefined();
});

it('takes keys of one source', () => {
  expect(() => make({ AUTH_SECRET: SECRET, JWT_JWKS_URL: 'https://id.example.org/keys' })).toThrow(
    'AUTH_SECRET and JWT_JWKS_URL: tokens are checked with keys of one source',
  );
});

it.each(['id.example.org/keys', 'file:///etc/passwd', 'https://user:hush@id.example.org/keys', 'ftp://id.example.org'])(
  'takes no key set from %s',
  (JWT_JWKS_URL) => {
    const attempt = () => make({ JWT_JWKS_URL });
    expect(attempt).toThrow('JWT_JWKS_URL: use an http or https URL');
    expect(attempt).not.toThrow('hush');
  },
);

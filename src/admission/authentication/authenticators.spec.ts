import { expect, it } from 'vitest';
import { ServingError } from '../../core/errors/serving-error.js';
import { fakeCredentials } from '../../testing/fake-credentials.js';
import { AuthenticationPolicy } from './authentication-policy.js';
import type { Authenticator } from './authenticator.js';
import { Authenticators } from './authenticators.js';

const knows = (name: string): Authenticator => ({ configured: true, authenticate: () => ({ name, roles: [] }) });
const silent: Authenticator = { configured: true, authenticate: () => undefined };
const refuses = (message: string): Authenticator => ({
  configured: true,
  authenticate: () => {
    throw new ServingError('unauthenticated', message);
  },
});
const broken: Authenticator = {
  configured: true,
  authenticate: () => {
    throw new TypeError('of interest to nobody outside');
  },
};

const later = (authenticator: Authenticator): Authenticator => ({
  configured: true,
  authenticate: async (credentials) => authenticator.authenticate(credentials),
});

const policy = (...authenticators: Authenticator[]) => new AuthenticationPolicy({}, authenticators);

const ask = (...authenticators: Authenticator[]) =>
  new Authenticators(authenticators, policy(...authenticators)).authenticate(fakeCredentials());

it('takes the first principal', () => {
  expect(ask(silent, knows('first'), knows('second'))).toMatchObject({ name: 'first' });
});

it('asks on after a refusal, which another authenticator may overrule', () => {
  expect(ask(refuses('no such key'), knows('second'))).toMatchObject({ name: 'second' });
});

it('throws the first refusal when nobody knows the caller', () => {
  expect(() => ask(silent, refuses('no such key'), refuses('no such token'))).toThrow('no such key');
});

it('refuses, with a neutral text, when an authenticator fails', () => {
  expect(() => ask(broken, silent)).toThrow(new ServingError('internal', 'Internal server error'));
});

it('does not ask authenticators that are not configured', () => {
  expect(ask({ configured: false, authenticate: () => ({ name: 'never asked', roles: [] }) })).toBeUndefined();
  expect(ask()).toBeUndefined();
});

it('waits for an authenticator that takes a while, and then asks on', async () => {
  expect(await ask(later(silent), knows('second'))).toMatchObject({ name: 'second' });
  expect(await ask(later(knows('first')), knows('second'))).toMatchObject({ name: 'first' });
  await expect(ask(later(refuses('no such token')), silent)).rejects.toThrow('no such token');
  await expect(ask(refuses('no such key'), later(refuses('no such token')))).rejects.toThrow('no such key');
});

it('requires credentials exactly where authentication is on', () => {
  expect(new Authenticators([knows('one')], policy(knows('one'))).required).toBe(true);
  expect(new Authenticators([], policy()).required).toBe(false);
});

import { expect, it } from 'vitest';
import { ServingError } from '../../core/errors/serving-error.js';
import type { Principal } from '../../core/inference/principal.js';
import type { Authenticator } from './authenticator.js';
import { Authenticators } from './authenticators.js';

const NOBODY = { header: () => undefined };

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

const ask = (...authenticators: Authenticator[]): Principal | undefined =>
  new Authenticators(authenticators).authenticate(NOBODY);

it('takes the first principal', () => {
  expect(ask(silent, knows('first'), knows('second'))?.name).toBe('first');
});

it('asks on after a refusal, which another authenticator may overrule', () => {
  expect(ask(refuses('no such key'), knows('second'))?.name).toBe('second');
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

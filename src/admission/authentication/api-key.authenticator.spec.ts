import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { ServingError } from '../../core/errors/serving-error.js';
import { fakeCredentials } from '../../testing/fake-credentials.js';
import { ApiKeyAuthenticator } from './api-key.authenticator.js';

const CI = 'key-of-the-ci-0001';
const OPS = 'key-of-the-ops-0002';

const authenticator = new ApiKeyAuthenticator({ API_KEYS: `ci:${CI},ops:${OPS}` });

const ask = (headers: Readonly<Record<string, string>>) => authenticator.authenticate(fakeCredentials(headers));

it.each([
  ['x-api-key', { 'x-api-key': CI }, 'ci'],
  ['a bearer', { authorization: `Bearer ${OPS}` }, 'ops'],
  ['a bearer in lower case', { authorization: `bearer  ${OPS}` }, 'ops'],
  ['a bearer that is meant for a gateway', { 'x-api-key': CI, authorization: 'Bearer e.y.J' }, 'ci'],
  ['a bearer beside a wrong key', { 'x-api-key': 'wrong', authorization: `Bearer ${OPS}` }, 'ops'],
])('knows a caller by %s', (_, headers, name) => {
  expect(ask(headers)).toEqual({ name, roles: [] });
});

it.each([{}, { authorization: 'Basic dTpw' }, { authorization: 'Bearer' }])('finds no credentials in %j', (headers) => {
  expect(ask(headers)).toBeUndefined();
});

it.each(['wrong', '', `${CI}x`, CI.slice(0, -1), `ci:${CI}`])('refuses the key %j, and does not repeat it', (key) => {
  const refusal = new ServingError('unauthenticated', 'Invalid credentials: the API key is not known');
  expect(() => ask({ 'x-api-key': key })).toThrow(refusal);
});

it('keeps digests, not keys', () => {
  expect(inspect(authenticator, { depth: 9 })).not.toContain('key-of-the');
});

it('is configured exactly when there are keys', () => {
  expect(authenticator.configured).toBe(true);
  expect(new ApiKeyAuthenticator({}).configured).toBe(false);
});

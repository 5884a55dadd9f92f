import { describe, expect, it, vi } from 'vitest';
import { ServingError } from '../../core/errors/serving-error.js';
import { fakeCredentials } from '../../testing/fake-credentials.js';
import { AuthenticationConfig } from './authentication.config.js';
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

const config = new AuthenticationConfig();

const policy = (...authenticators: Authenticator[]) => new AuthenticationPolicy(config, authenticators);

const ask = (...authenticators: Authenticator[]) =>
  new Authenticators(authenticators, policy(...authenticators), config).authenticate(fakeCredentials());

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
  expect(new Authenticators([knows('one')], policy(knows('one')), config).required).toBe(true);
  expect(new Authenticators([], policy(), config).required).toBe(false);
});

it('refuses credentials of a kind that nobody here checks, where somebody checks any', () => {
  const basic = fakeCredentials({ authorization: 'Basic dTpw' });
  const inUse = new Authenticators([silent], policy(silent), config);
  expect(() => inUse.authenticate(basic)).toThrow('of no kind that this server is configured for');
  expect(new Authenticators([], policy(), config).authenticate(basic)).toBeUndefined();
});

describe('an address whose authentications fail', () => {
  const wrong = fakeCredentials({ authorization: 'Bearer wrong' });
  const right = fakeCredentials({ authorization: 'Bearer right' });

  /** Recalls one bearer at a glance, and counts how often it has to look closely. */
  function limited(perMinute = 2, code: 'unauthenticated' | 'unavailable' = 'unauthenticated') {
    let now = 0;
    const verify = vi.fn<Authenticator['authenticate']>(async () => {
      throw new ServingError(code, 'wrong');
    });
    const only: Authenticator = {
      configured: true,
      authenticate: verify,
      recall: (credentials) =>
        credentials.header('authorization') === 'Bearer right' ? { name: 'ci', roles: [] } : undefined,
    };
    const limits = Object.assign(new AuthenticationConfig(), { AUTH_FAILURES_PER_MINUTE: perMinute });
    const authenticators = new Authenticators([only], policy(only), limits, () => now);
    const fail = async (times: number, peer?: string): Promise<void> => {
      const credentials = fakeCredentials({ authorization: 'Bearer wrong' }, peer === undefined ? {} : { peer });
      for (let time = 0; time < times; time++)
        await expect(authenticators.authenticate(credentials)).rejects.toThrow('wrong');
    };
    return { authenticators, verify, fail, pass: (ms: number) => (now += ms) };
  }

  it('is refused before anything is verified, until it may try again', async () => {
    const { authenticators, verify, fail, pass } = limited();
    await fail(2);
    const refusal = new ServingError(
      'resource-exhausted',
      'Too many failed authentications from this address: try again later',
      { retryAfterMs: 30_000 },
    );
    expect(() => authenticators.authenticate(wrong)).toThrow(refusal);
    expect(verify).toHaveBeenCalledTimes(2);
    pass(30_000);
    await fail(1);
    expect(() => authenticators.authenticate(wrong)).toThrow(refusal);
  });

  it('is let in by what is recalled, and not told to wait without credentials', async () => {
    const { authenticators, fail } = limited();
    await fail(2);
    expect(authenticators.authenticate(right)).toEqual({ name: 'ci', roles: [] });
    expect(authenticators.authenticate(fakeCredentials())).toBeUndefined();
  });

  it('is no other address', async () => {
    const { fail } = limited();
    await fail(2);
    await fail(1, '192.0.2.99');
  });

  it('may fail for ever at 0, and where it is not the fault of the credentials', async () => {
    await limited(0).fail(50);
    await limited(2, 'unavailable').fail(50);
  });
});

import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../config/configuration-error.js';
import { AuthenticationConfig } from './authentication.config.js';
import { AuthenticationPolicy } from './authentication-policy.js';

function policy(AUTH_ENABLED: boolean | undefined, ...configured: boolean[]): AuthenticationPolicy {
  const config = Object.assign(new AuthenticationConfig(), { AUTH_ENABLED });
  const authenticators = configured.map((is) => ({ configured: is, authenticate: () => undefined }));
  return new AuthenticationPolicy(config, authenticators);
}

it.each([
  [undefined, [], false],
  [undefined, [false], false],
  [undefined, [false, true], true],
  [true, [true], true],
  [false, [true], false],
  [false, [], false],
] as const)('AUTH_ENABLED %s with authenticators configured %j: enabled %s', (setting, configured, enabled) => {
  expect(policy(setting, ...configured).enabled).toBe(enabled);
});

it('refuses AUTH_ENABLED=true without credentials to check', () => {
  expect(() => policy(true, false)).toThrow(ConfigurationError);
  expect(() => policy(true)).toThrow(/AUTH_ENABLED=true.*API_KEYS, API_KEYS_FILE, AUTH_SECRET.*AUTH_ENABLED=false/);
});

describe('on an address that other machines reach', () => {
  const open = policy(undefined);

  it.each(['0.0.0.0', '::', '10.0.0.7', '2001:db8::1', 'inference.example.org', 'localhost.example.org'])(
    'refuses %s without credentials, and says the ways out',
    (host) => {
      const refused = () => open.assertSafeAddress(['127.0.0.1', host]);
      expect(refused).toThrow(ConfigurationError);
      for (const part of [
        `'${host}'`,
        'API_KEYS_FILE',
        'JWT_JWKS_URL',
        'TLS_CLIENT_CA',
        '127.0.0.1',
        'AUTH_ENABLED=false',
      ])
        expect(refused).toThrow(part);
    },
  );

  it('starts with credentials, or with authentication switched off in writing', () => {
    for (const safe of [policy(undefined, true), policy(true, true), policy(false, true), policy(false)]) {
      expect(() => safe.assertSafeAddress(['0.0.0.0', '::'])).not.toThrow();
    }
  });

  it('starts on a loopback address', () => {
    const hosts = ['127.0.0.1', '127.8.8.8', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', 'localhost', 'LOCALHOST'];
    expect(() => open.assertSafeAddress(hosts)).not.toThrow();
  });
});

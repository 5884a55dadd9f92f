import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { issuer, SECRET } from '../../../../../test/support/tokens.js';
import { ConfigurationError } from '../../../../config/configuration-error.js';
import { FileWatcher } from '../../../../config/file-watcher.js';
import { publicAlgorithms, PublicKeyFile, SecretKeys } from './local-keys.js';

const rsa = issuer('RS256');

describe('a secret', () => {
  it.each([
    [undefined, ['HS256'], SECRET],
    [['HS256', 'HS384'], ['HS256', 'HS384'], SECRET.repeat(2)],
  ])('with AUTH_ALGORITHM=%s is for %s', (asked, algorithms, secret) => {
    expect(new SecretKeys(secret, asked).algorithms).toEqual(algorithms);
  });

  it.each([['none'], ['NONE'], ['hs256'], ['RS256'], ['HS256', 'RS256'], ['HS256', 'none'], ['constructor'], []])(
    'is not for %s',
    (...asked) => {
      expect(() => new SecretKeys(SECRET, asked)).toThrow(
        `AUTH_ALGORITHM="${asked.join(',')}": with AUTH_SECRET use HS256, HS384, HS512`,
      );
    },
  );

  it.each([
    ['hush', undefined, 'it has 4 bytes: HS256 take at least 32'],
    [SECRET, ['HS256', 'HS512'], `it has ${SECRET.length} bytes: HS256 and HS512 take at least 64`],
    [rsa.pem, undefined, 'this is a key that others may know, not a secret'],
    [` \n\t${rsa.pem}`, undefined, 'this is a key that others may know, not a secret'],
    [rsa.pem.replaceAll('\n', String.raw`\n`), undefined, 'this is a key that others may know, not a secret'],
    ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0n', undefined, 'this is a key that others may know, not a secret'],
    ['{"use":"sig","kty":"RSA","n":"0vx7agoebGcQSu"}', undefined, 'this is a key that others may know, not a secret'],
  ])('is refused as %j', (secret, asked, problem) => {
    const attempt = () => new SecretKeys(secret, asked);
    expect(attempt).toThrow(ConfigurationError);
    expect(attempt).toThrow(problem);
    expect(attempt).not.toThrow('hush');
  });

  it('is shown nowhere', () => {
    expect(inspect(new SecretKeys(SECRET), { depth: 9 })).not.toContain(SECRET.slice(0, 8));
  });
});

describe('a public key file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'keys-'));
  const watcher = new FileWatcher({ RELOAD_INTERVAL_MS: 86_400_000 });
  afterAll(() => {
    watcher.onApplicationShutdown();
    rmSync(folder, { recursive: true });
  });

  const read = (pem: string, asked?: readonly string[]) => {
    const path = join(folder, 'key.pem');
    writeFileSync(path, pem);
    return new PublicKeyFile(path, asked, watcher, () => undefined);
  };

  it.each([
    ['RSA', rsa.pem, undefined, ['RS256']],
    ['RSA', rsa.pem, ['PS256', 'RS512'], ['PS256', 'RS512']],
    ['P-256', issuer('ES256').pem, undefined, ['ES256']],
    ['Ed25519', issuer('EdDSA').pem, undefined, ['EdDSA']],
  ])('with %s is for what fits its key', (_, pem, asked, algorithms) => {
    expect(read(pem, asked).algorithms).toEqual(algorithms);
  });

  it.each([['none'], ['HS256'], ['RS256', 'HS256'], ['rs256'], []])('is not for %s', (...asked) => {
    expect(() => read(rsa.pem, asked)).toThrow(
      `AUTH_ALGORITHM="${asked.join(',')}": with JWT_PUBLIC_KEY_FILE use RS256, RS384,`,
    );
  });

  it.each([
    ['of another kind', rsa.pem, ['ES256'], 'the key fits RS256, RS384, RS512, PS256, PS384, PS512, and'],
    ['of another kind in part', rsa.pem, ['RS256', 'ES256'], 'AUTH_ALGORITHM is RS256,ES256: set one that fits'],
    ['that is no key', 'hush', undefined, 'it holds no PEM block'],
    ['that is empty', '', undefined, 'it holds no PEM block'],
    ['with several keys', rsa.pem + rsa.pem, undefined, 'it holds several PEM blocks'],
    [
      'that is private',
      rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      undefined,
      'it holds a private key, which stays with the issuer',
    ],
    [
      'that is short',
      generateKeyPairSync('rsa', { modulusLength: 1_024 }).publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      undefined,
      'the key has 1024 bits: use one of at least 2048',
    ],
  ])('is refused with a key %s', (_, pem, asked, problem) => {
    const attempt = () => read(pem, asked);
    expect(attempt).toThrow(ConfigurationError);
    expect(attempt).toThrow(problem);
    expect(attempt).not.toThrow('hush');
  });
});

it('gives a key set the algorithms of public keys alone', () => {
  expect(publicAlgorithms(undefined, 'JWT_JWKS_URL')).toEqual(['RS256', 'ES256', 'EdDSA']);
  expect(() => publicAlgorithms(['HS256'], 'JWT_JWKS_URL')).toThrow('with JWT_JWKS_URL use RS256');
});

import { createHash, createHmac } from 'node:crypto';
import 'reflect-metadata';
import { ApiKeyAuthenticator } from '../dist/admission/authentication/api-key/api-key.authenticator.js';
import { AuthenticationConfig } from '../dist/admission/authentication/authentication.config.js';
import { AuthenticationPolicy } from '../dist/admission/authentication/authentication-policy.js';
import { Authenticators } from '../dist/admission/authentication/authenticators.js';
import { JwtAuthenticator } from '../dist/admission/authentication/jwt/jwt.authenticator.js';
import { JwtConfig } from '../dist/admission/authentication/jwt/jwt.config.js';

/**
 * What it costs to know a caller, in microseconds: by an API key among 1,000, by a token that was verified before, and
 * by one that was not. Medians of five rounds.
 *
 *   npm run build && node bench/authentication.mjs
 */

const keys = Array.from({ length: 1_000 }, (_, index) => `caller-${index}:${digest(`key-of-caller-${index}`)}`);
const secret = 'a secret for the benchmark, long enough';

function digest(text) {
  return createHash('sha256').update(text).digest('hex');
}

function tokenOf(claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ exp: Math.floor(Date.now() / 1_000) + 3_600, ...claims })}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

const watcher = { watch: (_name, _paths, parse) => ({ current: parse([Buffer.from(keys.join('\n'))]) }) };
const config = Object.assign(new AuthenticationConfig(), { API_KEYS: keys.join('\n') });
const apiKeys = new ApiKeyAuthenticator(config, watcher);
const tokens = new JwtAuthenticator(Object.assign(new JwtConfig(), { AUTH_SECRET: secret }), watcher);
const inUse = [apiKeys, tokens];
const authenticators = new Authenticators(inUse, new AuthenticationPolicy(config, inUse), config);

const credentials = (headers) => ({
  header: (name) => headers[name],
  certificateSubject: () => undefined,
  peer: '127.0.0.1',
});

async function measure(name, rounds, ask) {
  const took = [];
  for (let round = 0; round < 5; round++) {
    const begin = performance.now();
    for (let index = 0; index < rounds; index++) {
      const answer = ask(index);
      if (answer instanceof Promise) await answer;
    }
    took.push(((performance.now() - begin) / rounds) * 1_000);
  }
  console.log(
    `${name.padEnd(32)} ${took
      .sort((a, b) => a - b)[2]
      .toFixed(2)
      .padStart(8)} us`,
  );
}

const byKey = credentials({ 'x-api-key': digest('key-of-caller-999') });
const byToken = credentials({
  authorization: `Bearer ${tokenOf({ sub: 'alice', roles: Array(20).fill('some-role') })}`,
});
await authenticators.authenticate(byToken);
const fresh = Array.from({ length: 5_000 }, (_, index) =>
  credentials({ authorization: `Bearer ${tokenOf({ sub: `caller-${index}` })}` }),
);
await measure('an API key among 1,000', 200_000, () => authenticators.authenticate(byKey));
await measure('a token, verified before', 200_000, () => authenticators.authenticate(byToken));
let next = 0;
await measure('a token, HS256, seen first', 1_000, () => authenticators.authenticate(fresh[next++]));

import { createHash } from 'node:crypto';
import 'reflect-metadata';
import { ApiKeyAuthenticator } from '../../dist/admission/authentication/api-key/api-key.authenticator.js';
import { AuthenticationConfig } from '../../dist/admission/authentication/authentication.config.js';
import { AuthenticationPolicy } from '../../dist/admission/authentication/authentication-policy.js';
import { Authenticators } from '../../dist/admission/authentication/authenticators.js';
import { JwtAuthenticator } from '../../dist/admission/authentication/jwt/jwt.authenticator.js';
import { JwtConfig } from '../../dist/admission/authentication/jwt/jwt.config.js';
import { token } from '../harness/token.mjs';
import { takeTurns } from './take-turns.mjs';

/**
 * What it costs to know a caller: by an API key among 1,000, by a token that was verified before, and by one that was
 * not.
 */

const { rounds } = JSON.parse(process.argv[2] ?? '{"rounds":5}');
process.once('disconnect', () => process.exit(1));

const digest = (text) => createHash('sha256').update(text).digest('hex');
const keys = Array.from({ length: 1_000 }, (_, index) => `caller-${index}:${digest(`key-of-caller-${index}`)}`);
const secret = 'a secret for the benchmark, long enough';

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
const bearer = (claims) => credentials({ authorization: `Bearer ${token(secret, claims)}` });

const byKey = credentials({ 'x-api-key': digest('key-of-caller-999') });
const byToken = bearer({ sub: 'alice', roles: Array(20).fill('some-role') });
for (const known of [byKey, byToken]) {
  if ((await authenticators.authenticate(known)) === undefined) throw new Error('a caller is not known');
}

const FRESH = 500;
const fresh = Array.from({ length: FRESH * (rounds + 1) }, (_, index) => bearer({ sub: `caller-${index}` }));
let next = 0;
process.send({
  ...(await takeTurns(
    {
      'an API key among 1,000': () => authenticators.authenticate(byKey),
      'a token, verified before': () => authenticators.authenticate(byToken),
    },
    { rounds, times: 100_000 },
  )),
  ...(await takeTurns(
    { 'a token, HS256, seen first': () => authenticators.authenticate(fresh[next++]) },
    { rounds, times: FRESH },
  )),
});

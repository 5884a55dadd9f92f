import { hash } from 'node:crypto';
import { Injectable, Logger, type OnModuleInit, Optional } from '@nestjs/common';
import { jwtVerify } from 'jose';
import { ConfigurationError } from '../../../config/configuration-error.js';
import { FileWatcher } from '../../../config/file-watcher.js';
import type { Principal } from '../../../core/inference/principal.js';
import type { Credentials } from '../../../protocol/call/call-authenticator.js';
import { Authenticator } from '../authenticator.js';
import { bearerOf, looksLikeToken } from './bearer-token.js';
import { JwtConfig } from './jwt.config.js';
import { publicAlgorithms, PublicKeyFile, SecretKeys } from './keys/local-keys.js';
import { RemoteKeys } from './keys/remote-keys.js';
import { TokenCache } from './token-cache.js';
import type { TokenKeys } from './keys/token-keys.js';
import { principalOf } from './token-principal.js';
import { invalidToken, refusalOf } from './token-refusal.js';

const MAX_TOKEN_LENGTH = 16_384;
const MAX_VERIFIED = 10_000;

/**
 * Knows callers by signed tokens, sent as `authorization: Bearer`: by their subject, with the roles of the claim that
 * `JWT_ROLES_CLAIM` names. A token that was verified before costs a lookup, until it expires or the keys change.
 */
@Injectable()
export class JwtAuthenticator extends Authenticator implements OnModuleInit {
  readonly configured: boolean;
  private readonly keys: TokenKeys | undefined;
  private readonly verified: TokenCache;

  constructor(
    private readonly config: JwtConfig,
    watcher: FileWatcher,
    @Optional() private readonly clock: () => number = Date.now,
  ) {
    super();
    this.verified = new TokenCache(MAX_VERIFIED, clock);
    this.keys = keysOf(config, watcher, clock, () => this.verified.clear());
    this.configured = this.keys !== undefined;
  }

  onModuleInit(): void {
    this.keys?.refreshIfDue();
  }

  override recall(credentials: Credentials): Principal | undefined {
    const token = bearerOf(credentials);
    if (token === undefined || token.length > MAX_TOKEN_LENGTH) return undefined;
    this.keys?.refreshIfDue();
    return this.verified.get(digestOf(token));
  }

  authenticate(credentials: Credentials): Principal | undefined | Promise<Principal> {
    const known = this.recall(credentials);
    if (known !== undefined) return known;
    const token = bearerOf(credentials);
    if (token === undefined || this.keys === undefined) return undefined;
    if (token.length > MAX_TOKEN_LENGTH) throw invalidToken(`longer than ${MAX_TOKEN_LENGTH} bytes`);
    if (!looksLikeToken(token)) throw invalidToken('malformed');
    return this.verify(token, this.keys);
  }

  private async verify(token: string, keys: TokenKeys): Promise<Principal> {
    const { JWT_ISSUER, JWT_AUDIENCE, JWT_CLOCK_TOLERANCE_S, JWT_ROLES_CLAIM, JWT_CACHE_SECONDS } = this.config;
    const { generation } = this.verified;
    try {
      const { payload } = await jwtVerify(token, (header) => keys.keyFor(header), {
        algorithms: [...keys.algorithms],
        requiredClaims: ['exp', 'sub'],
        clockTolerance: JWT_CLOCK_TOLERANCE_S,
        currentDate: new Date(this.clock()),
        ...(JWT_ISSUER === undefined ? {} : { issuer: JWT_ISSUER }),
        ...(JWT_AUDIENCE === undefined ? {} : { audience: [...JWT_AUDIENCE] }),
      });
      const principal = principalOf(payload, JWT_ROLES_CLAIM);
      const until = Math.min((payload.exp ?? 0) * 1_000, this.clock() + JWT_CACHE_SECONDS * 1_000);
      this.verified.put(digestOf(token), principal, until, generation);
      return principal;
    } catch (failure) {
      throw refusalOf(failure);
    }
  }
}

const digestOf = (token: string): string => hash('sha256', token, 'base64');

/** The one source of keys that is configured, if any. Throws a `ConfigurationError`. */
function keysOf(
  config: JwtConfig,
  watcher: FileWatcher,
  clock: () => number,
  onChange: () => void,
): TokenKeys | undefined {
  const { AUTH_SECRET, AUTH_ALGORITHM, JWT_PUBLIC_KEY_FILE, JWT_JWKS_URL, JWT_JWKS_TIMEOUT_MS: timeoutMs } = config;
  const sources = Object.entries({ AUTH_SECRET, JWT_PUBLIC_KEY_FILE, JWT_JWKS_URL }).filter(([, value]) => value);
  if (sources.length > 1) {
    const names = sources.map(([name]) => name).join(' and ');
    throw new ConfigurationError([`${names}: tokens are checked with keys of one source: set one of them`]);
  }
  if (AUTH_SECRET !== undefined) return new SecretKeys(AUTH_SECRET, AUTH_ALGORITHM);
  if (JWT_PUBLIC_KEY_FILE !== undefined)
    return new PublicKeyFile(JWT_PUBLIC_KEY_FILE, AUTH_ALGORITHM, watcher, onChange);
  if (JWT_JWKS_URL === undefined) return undefined;
  const algorithms = publicAlgorithms(AUTH_ALGORITHM, 'JWT_JWKS_URL');
  return new RemoteKeys({ url: parseUrl(JWT_JWKS_URL), algorithms, timeoutMs, onChange, clock });
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    throw new ConfigurationError(['JWT_JWKS_URL: use an http or https URL without a user and a password']);
  if (url.protocol === 'http:' && !/^(?:localhost|127\..*|\[::1\])$/.test(url.hostname))
    new Logger('JwtKeys').warn('JWT_JWKS_URL is not https: whoever is on the way to it can replace the keys');
  return url;
}

import { Injectable } from '@nestjs/common';
import { FileWatcher, type Watched } from '../../../config/file-watcher.js';
import { ServingError } from '../../../core/errors/serving-error.js';
import type { Principal } from '../../../core/inference/principal.js';
import type { Credentials } from '../../../protocol/call/call-authenticator.js';
import { parseApiKeys, parseHashedApiKeys } from './api-keys.js';
import { AuthenticationConfig } from '../authentication.config.js';
import { Authenticator } from '../authenticator.js';
import { bearerOf, looksLikeToken } from '../jwt/bearer-token.js';
import { KeyRing } from './key-ring.js';

/**
 * Knows callers by the keys of `API_KEYS` and `API_KEYS_FILE`, sent as `x-api-key` or as `authorization: Bearer`. The
 * file is taken up when it changes.
 */
@Injectable()
export class ApiKeyAuthenticator extends Authenticator {
  readonly configured: boolean;
  private readonly keys: Watched<KeyRing>;

  constructor({ API_KEYS, API_KEYS_FILE }: AuthenticationConfig, watcher: FileWatcher) {
    super();
    this.configured = API_KEYS !== undefined || API_KEYS_FILE !== undefined;
    const plain = API_KEYS === undefined ? [] : parseApiKeys(API_KEYS);
    this.keys =
      API_KEYS_FILE === undefined
        ? { current: new KeyRing(plain) }
        : watcher.watch('API_KEYS_FILE', [API_KEYS_FILE], ([content]) => {
            return new KeyRing([...plain, ...parseHashedApiKeys(content?.toString('utf8') ?? '', plain)]);
          });
  }

  override recall(credentials: Credentials): Principal | undefined {
    const key = credentials.header('x-api-key');
    const bearer = bearerOf(credentials);
    return (
      (key === undefined ? undefined : this.keys.current.ownerOf(key)) ??
      (bearer === undefined ? undefined : this.keys.current.ownerOf(bearer))
    );
  }

  authenticate(credentials: Credentials): Principal | undefined {
    const principal = this.recall(credentials);
    if (principal !== undefined) return principal;
    const presented = credentials.header('x-api-key') ?? bearerOf(credentials);
    // A token is for another authenticator to judge.
    if (presented === undefined || looksLikeToken(presented)) return undefined;
    throw new ServingError('unauthenticated', 'Invalid credentials: the API key is not known');
  }
}

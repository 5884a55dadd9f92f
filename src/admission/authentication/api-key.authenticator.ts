import { timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { ServingError } from '../../core/errors/serving-error.js';
import type { Principal } from '../../core/inference/principal.js';
import type { Credentials } from '../../protocol/call/call-authenticator.js';
import { digestOf, parseApiKeys } from './api-keys.js';
import { AuthenticationConfig } from './authentication.config.js';
import { Authenticator } from './authenticator.js';

interface KnownKey {
  readonly digest: Buffer;
  readonly principal: Principal;
}

/** Knows callers by the keys in `API_KEYS`, sent as `x-api-key` or as `authorization: Bearer`. */
@Injectable()
export class ApiKeyAuthenticator extends Authenticator {
  readonly configured: boolean;
  private readonly keys: readonly KnownKey[];

  constructor({ API_KEYS }: AuthenticationConfig) {
    super();
    this.configured = API_KEYS !== undefined;
    this.keys =
      API_KEYS === undefined
        ? []
        : parseApiKeys(API_KEYS).map(({ name, digest }) => ({ digest, principal: { name, roles: [] } }));
  }

  authenticate(credentials: Credentials): Principal | undefined {
    const presented = [credentials.header('x-api-key'), bearerOf(credentials)].filter((key) => key !== undefined);
    if (presented.length === 0) return undefined;
    for (const key of presented) {
      const principal = this.ownerOf(key);
      if (principal !== undefined) return principal;
    }
    throw new ServingError('unauthenticated', 'Invalid credentials: the API key is not known');
  }

  /** Compares with every key and to the last byte: the time it takes says nothing about any of them. */
  private ownerOf(key: string): Principal | undefined {
    const digest = digestOf(key);
    let owner: Principal | undefined;
    for (const known of this.keys) {
      if (timingSafeEqual(known.digest, digest)) owner = known.principal;
    }
    return owner;
  }
}

const bearerOf = (credentials: Credentials): string | undefined =>
  /^Bearer +(\S+) *$/i.exec(credentials.header('authorization') ?? '')?.[1];

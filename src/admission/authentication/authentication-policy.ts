import { BlockList, isIP } from 'node:net';
import { Inject, Injectable } from '@nestjs/common';
import { ConfigurationError } from '../../config/configuration-error.js';
import { AuthenticationConfig } from './authentication.config.js';
import { type Authenticator, AUTHENTICATORS } from './authenticator.js';

/** The keys of the configuration that callers are checked against, by authenticator. */
const SOURCES = 'API_KEYS, API_KEYS_FILE, AUTH_SECRET, JWT_PUBLIC_KEY_FILE, JWT_JWKS_URL or TLS_CLIENT_CA';

/** Whether callers must say who they are. */
@Injectable()
export class AuthenticationPolicy {
  /** On when `AUTH_ENABLED` says so; where it is unset, on exactly when an authenticator has credentials to check. */
  readonly enabled: boolean;

  constructor(
    private readonly config: AuthenticationConfig,
    @Inject(AUTHENTICATORS) authenticators: readonly Authenticator[],
  ) {
    const anyConfigured = authenticators.some(({ configured }) => configured);
    this.enabled = config.AUTH_ENABLED ?? anyConfigured;
    if (this.enabled && !anyConfigured) {
      throw new ConfigurationError([
        'AUTH_ENABLED=true: no caller could say who it is, for no credentials are configured: ' +
          `set ${SOURCES}, or write AUTH_ENABLED=false`,
      ]);
    }
  }

  /**
   * Refuses to open a server to other machines by accident: on an address that is not a loopback address it takes
   * credentials, or `AUTH_ENABLED=false` written out. Throws a `ConfigurationError`.
   */
  assertSafeAddress(hosts: readonly string[]): void {
    if (this.enabled || this.config.AUTH_ENABLED === false) return;
    const problems = hosts
      .filter((host) => !isLoopback(host))
      .map(
        (host) =>
          `'${host}' can be reached by other machines, and no credentials are configured: set ${SOURCES}, ` +
          'or listen on 127.0.0.1, or write AUTH_ENABLED=false to serve everyone',
      );
    if (problems.length > 0) throw new ConfigurationError(problems);
  }
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** A name counts only when it is `localhost`: what another one resolves to can change. */
function isLoopback(host: string): boolean {
  const version = isIP(host);
  return version === 0 ? host.toLowerCase() === 'localhost' : LOOPBACK.check(host, version === 4 ? 'ipv4' : 'ipv6');
}

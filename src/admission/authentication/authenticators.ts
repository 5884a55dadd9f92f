import { Inject, Injectable, Optional } from '@nestjs/common';
import { toServingError } from '../../core/errors/catalogue.js';
import { ServingError } from '../../core/errors/serving-error.js';
import type { Principal } from '../../core/inference/principal.js';
import { CallAuthenticator, type Credentials } from '../../protocol/call/call-authenticator.js';
import { AuthenticationConfig } from './authentication.config.js';
import { AuthenticationPolicy } from './authentication-policy.js';
import { type Authenticator, AUTHENTICATORS } from './authenticator.js';
import { FailureLimiter } from './failure-limiter.js';

/**
 * Asks each configured authenticator in turn. The first principal wins: two of them may read the same header, so a
 * refusal counts only when no other knows the caller.
 *
 * An address whose authentications failed too often is let in by what a lookup tells to be right (an API key, a token
 * that was verified before, a verified certificate); other credentials of it are refused before they are looked into.
 */
@Injectable()
export class Authenticators extends CallAuthenticator {
  readonly required: boolean;
  private readonly inUse: readonly Authenticator[];
  private readonly failures: FailureLimiter;

  constructor(
    @Inject(AUTHENTICATORS) authenticators: readonly Authenticator[],
    policy: AuthenticationPolicy,
    { AUTH_FAILURES_PER_MINUTE }: AuthenticationConfig,
    @Optional() clock: () => number = Date.now,
  ) {
    super();
    this.required = policy.enabled;
    this.inUse = authenticators.filter(({ configured }) => configured);
    this.failures = new FailureLimiter(AUTH_FAILURES_PER_MINUTE, clock);
  }

  authenticate(credentials: Credentials): Principal | undefined | Promise<Principal | undefined> {
    const waitMs = this.failures.waitMs(credentials.peer);
    return waitMs === 0 ? this.ask(credentials, 0, undefined) : this.recall(credentials, waitMs);
  }

  private recall(credentials: Credentials, retryAfterMs: number): Principal | undefined {
    for (const authenticator of this.inUse) {
      const principal = authenticator.recall?.(credentials);
      if (principal !== undefined) return principal;
    }
    if (!presented(credentials)) return undefined;
    throw new ServingError('resource-exhausted', 'Too many failed authentications from this address: try again later', {
      retryAfterMs,
    });
  }

  /** Stays synchronous until an authenticator is not. */
  private ask(
    credentials: Credentials,
    from: number,
    refused: ServingError | undefined,
  ): Principal | undefined | Promise<Principal | undefined> {
    let refusal = refused;
    for (let index = from; index < this.inUse.length; index++) {
      try {
        const principal = this.inUse[index]?.authenticate(credentials);
        if (principal instanceof Promise) {
          return principal.then(
            (settled) => settled ?? this.ask(credentials, index + 1, refusal),
            (thrown: unknown) => this.ask(credentials, index + 1, refusal ?? toServingError(thrown)),
          );
        }
        if (principal !== undefined) return principal;
      } catch (thrown) {
        refusal ??= toServingError(thrown);
      }
    }
    return this.refuse(credentials, refusal);
  }

  /** Nobody knows the caller: an error where there were credentials at all. */
  private refuse(credentials: Credentials, refusal: ServingError | undefined): undefined {
    const error = refusal ?? (this.inUse.length > 0 && presented(credentials) ? ofNoUse() : undefined);
    if (error === undefined) return undefined;
    if (error.code === 'unauthenticated') this.failures.note(credentials.peer);
    throw error;
  }
}

const presented = (credentials: Credentials): boolean =>
  credentials.header('authorization') !== undefined || credentials.header('x-api-key') !== undefined;

const ofNoUse = (): ServingError =>
  new ServingError('unauthenticated', 'Invalid credentials: they are of no kind that this server is configured for');

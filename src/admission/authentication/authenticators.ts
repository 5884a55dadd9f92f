import { Inject, Injectable } from '@nestjs/common';
import { toServingError } from '../../core/errors/catalogue.js';
import type { ServingError } from '../../core/errors/serving-error.js';
import type { Principal } from '../../core/inference/principal.js';
import { CallAuthenticator, type Credentials } from '../../protocol/call/call-authenticator.js';
import { AuthenticationPolicy } from './authentication-policy.js';
import { type Authenticator, AUTHENTICATORS } from './authenticator.js';

/**
 * Asks each configured authenticator in turn. The first principal wins: two of them may read the same header, so a
 * refusal counts only when no other knows the caller.
 */
@Injectable()
export class Authenticators extends CallAuthenticator {
  readonly required: boolean;
  private readonly inUse: readonly Authenticator[];

  constructor(@Inject(AUTHENTICATORS) authenticators: readonly Authenticator[], policy: AuthenticationPolicy) {
    super();
    this.required = policy.enabled;
    this.inUse = authenticators.filter(({ configured }) => configured);
  }

  authenticate(credentials: Credentials): Principal | undefined | Promise<Principal | undefined> {
    return this.ask(credentials, 0, undefined);
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
    if (refusal !== undefined) throw refusal;
    return undefined;
  }
}

import { Inject, Injectable } from '@nestjs/common';
import { toServingError } from '../../core/errors/catalogue.js';
import type { ServingError } from '../../core/errors/serving-error.js';
import type { Principal } from '../../core/inference/principal.js';
import { CallAuthenticator, type Credentials } from '../../protocol/call/call-authenticator.js';
import type { Authenticator } from './authenticator.js';

/** The authenticators in use, in the order in which they are asked. */
export const AUTHENTICATORS = Symbol('authenticators');

/**
 * Asks each configured authenticator in turn. The first principal wins: two of them may read the same header, so a
 * refusal counts only when no other knows the caller.
 */
@Injectable()
export class Authenticators extends CallAuthenticator {
  constructor(@Inject(AUTHENTICATORS) private readonly authenticators: readonly Authenticator[]) {
    super();
  }

  authenticate(credentials: Credentials): Principal | undefined {
    let refusal: ServingError | undefined;
    for (const authenticator of this.authenticators) {
      if (!authenticator.configured) continue;
      try {
        const principal = authenticator.authenticate(credentials);
        if (principal !== undefined) return principal;
      } catch (error) {
        refusal ??= toServingError(error);
      }
    }
    if (refusal !== undefined) throw refusal;
    return undefined;
  }
}

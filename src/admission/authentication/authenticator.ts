import type { Principal } from '../../core/inference/principal.js';
import type { Credentials } from '../../protocol/call/call-authenticator.js';

/** One way to say who you are; `AdmissionModule.forRoot` lists those in use. */
export abstract class Authenticator {
  /** Whether there is anything to check credentials against; an authenticator without is not asked. */
  abstract readonly configured: boolean;

  /**
   * Answers `undefined` for a caller without credentials of this kind; throws a `ServingError` (`unauthenticated`)
   * for credentials that are wrong.
   */
  abstract authenticate(credentials: Credentials): Principal | undefined | Promise<Principal | undefined>;

  /**
   * Answers for credentials that can be told to be right by a lookup, and never throws: all that is asked about a
   * caller whose authentications failed too often. An authenticator without it knows nobody at a glance.
   */
  recall?(credentials: Credentials): Principal | undefined;
}

/** The authenticators in use, in the order in which they are asked. */
export const AUTHENTICATORS = Symbol('authenticators');

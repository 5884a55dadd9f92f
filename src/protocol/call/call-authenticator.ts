import type { Principal } from '../../core/inference/principal.js';

/** The headers or metadata of a call. */
export interface Credentials {
  /** The first value of a header or metadata key in lower case, or `undefined`. */
  header(name: string): string | undefined;
}

/**
 * Settles who a call is made for, from headers alone. The transports ask before any guard runs.
 *
 * Answers `undefined` for a caller without credentials; throws a `ServingError` (`unauthenticated`) for credentials
 * that are wrong.
 */
export abstract class CallAuthenticator {
  abstract authenticate(credentials: Credentials): Principal | undefined;
}

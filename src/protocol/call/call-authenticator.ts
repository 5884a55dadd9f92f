import { ServingError } from '../../core/errors/serving-error.js';
import type { Principal } from '../../core/inference/principal.js';

/** What a call shows of its caller, before anything of its body is read. */
export interface Credentials {
  /** The first value of a header or metadata key in lower case, or `undefined`. */
  header(name: string): string | undefined;
  /** The subject of the client's certificate where TLS has verified one, `CN=ci,O=Example` for one. */
  certificateSubject(): string | undefined;
  /** The address of the peer, without its port. */
  readonly peer: string;
}

/** Settles who a call is made for. The transports ask before a body is read, and before any guard runs. */
export abstract class CallAuthenticator {
  /** Whether a caller must say who it is where the operation is not public. */
  abstract readonly required: boolean;

  /**
   * Answers `undefined` for a caller without credentials; throws a `ServingError` (`unauthenticated` for credentials
   * that are wrong). A promise only where the answer takes a while.
   */
  abstract authenticate(credentials: Credentials): Principal | undefined | Promise<Principal | undefined>;
}

export const missingCredentials = (): ServingError =>
  new ServingError(
    'unauthenticated',
    "Missing credentials: send 'authorization: Bearer <token>' or 'x-api-key: <key>'",
  );

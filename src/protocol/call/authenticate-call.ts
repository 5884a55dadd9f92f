import { toServingError } from '../../core/errors/catalogue.js';
import type { CallAuthenticator, Credentials } from './call-authenticator.js';
import type { CallContext } from './call-context.js';

/**
 * Notes on the context who calls, or why that is not known; a public operation does not ask. Never rejects, and
 * returns a promise only where the authenticator does.
 */
export function authenticateCall(
  context: CallContext,
  credentials: Credentials,
  authenticator: CallAuthenticator,
): Promise<void> | undefined {
  const refuse = (thrown: unknown): void => {
    context.refusal = toServingError(thrown);
  };
  try {
    const principal = authenticator.authenticate(credentials);
    if (principal instanceof Promise) {
      return principal.then((settled) => {
        context.principal = settled;
      }, refuse);
    }
    context.principal = principal;
  } catch (thrown) {
    refuse(thrown);
  }
  return undefined;
}

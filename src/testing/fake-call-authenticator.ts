import { ServingError } from '../core/errors/serving-error.js';
import type { Principal } from '../core/inference/principal.js';
import { CallAuthenticator, type Credentials } from '../protocol/call/call-authenticator.js';

/** Knows callers by the whole text of their `authorization` header. */
export class FakeCallAuthenticator extends CallAuthenticator {
  readonly required: boolean = false;

  constructor(private readonly principals: ReadonlyMap<string, Principal> = new Map()) {
    super();
  }

  authenticate(credentials: Credentials): Principal | undefined {
    const presented = credentials.header('authorization');
    if (presented === undefined) return undefined;
    const principal = this.principals.get(presented);
    if (principal === undefined) throw new ServingError('unauthenticated', `'${presented}' is not known`);
    return principal;
  }
}

import type { KeyObject } from 'node:crypto';
import type { CompactJWSHeaderParameters, CryptoKey } from 'jose';

/** What tokens are checked with. */
export abstract class TokenKeys {
  /** What a token may be signed with; anything else is refused before a key is looked for. */
  abstract readonly algorithms: readonly string[];

  /** The key for a token with this header, of which `kid` and `alg` choose among the keys there are, and nothing more. */
  abstract keyFor(header: CompactJWSHeaderParameters): KeyObject | Promise<CryptoKey>;

  /** Looks for newer keys where it is time to, without waiting for them. */
  refreshIfDue(): void {}
}

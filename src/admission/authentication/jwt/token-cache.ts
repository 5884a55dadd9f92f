import type { Principal } from '../../../core/inference/principal.js';

interface Verified {
  readonly principal: Principal;
  readonly until: number;
}

/**
 * Remembers verified tokens by the SHA-256 of the whole of them, so that one that differs in its signature alone is
 * another one. Bounded: what was not used for longest goes first.
 */
export class TokenCache {
  private readonly verified = new Map<string, Verified>();
  private age = 0;

  constructor(
    private readonly limit: number,
    private readonly clock: () => number,
  ) {}

  /** Changes with every {@link clear}: what was verified by keys of another generation is not remembered. */
  get generation(): number {
    return this.age;
  }

  get(digest: string): Principal | undefined {
    const found = this.verified.get(digest);
    if (found === undefined) return undefined;
    this.verified.delete(digest);
    if (found.until <= this.clock()) return undefined;
    this.verified.set(digest, found);
    return found.principal;
  }

  put(digest: string, principal: Principal, until: number, generation: number): void {
    if (generation !== this.age || until <= this.clock()) return;
    this.verified.delete(digest);
    this.verified.set(digest, { principal, until });
    if (this.verified.size <= this.limit) return;
    const [oldest] = this.verified.keys();
    if (oldest !== undefined) this.verified.delete(oldest);
  }

  clear(): void {
    this.verified.clear();
    this.age++;
  }
}

import { Logger } from '@nestjs/common';
import {
  type CompactJWSHeaderParameters,
  createRemoteJWKSet,
  type CryptoKey,
  customFetch,
  errors,
  type RemoteJWKSet,
} from 'jose';
import { ServingError } from '../../../../core/errors/serving-error.js';
import { fetchText } from './fetch-text.js';
import { TokenKeys } from './token-keys.js';

export interface RemoteKeysOptions {
  readonly url: URL;
  readonly algorithms: readonly string[];
  readonly timeoutMs: number;
  /** Called when other keys have taken the place of those there were. */
  readonly onChange: () => void;
  readonly clock?: () => number;
}

const MAX_BYTES = 1_048_576;
/** After a fetch, an unknown `kid` leads to the next one no sooner: any caller can make one up. */
const COOLDOWN_MS = 30_000;
/** After that long the keys are fetched anew, so that one that was withdrawn goes. */
const REFRESH_AFTER_MS = 600_000;
const FIRST_BACK_OFF_MS = 1_000;
const LONGEST_BACK_OFF_MS = 60_000;

/**
 * The key set of an issuer. It is fetched in the background, and for a `kid` that is not in it; never more often than
 * every 30 s, or while the fetches fail every second at first and every minute at last. Until another one has arrived
 * that is valid, the last one stays in use.
 */
export class RemoteKeys extends TokenKeys {
  readonly algorithms: readonly string[];
  private readonly logger = new Logger('JwtKeys');
  private readonly clock: () => number;
  private readonly set: RemoteJWKSet;
  private pending: Promise<void> | undefined;
  /** What was fetched last, and what of that is in use. */
  private fetched = '';
  private text: string | undefined;
  private failures = 0;
  private notBefore = 0;
  private dueAt = 0;
  private complaint = '';

  constructor(private readonly options: RemoteKeysOptions) {
    super();
    this.algorithms = options.algorithms;
    this.clock = options.clock ?? Date.now;
    this.set = createRemoteJWKSet(options.url, {
      timeoutDuration: options.timeoutMs,
      // When to fetch is settled here: the library would forget keys, and ask again at once after a failure.
      cooldownDuration: Infinity,
      cacheMaxAge: Infinity,
      [customFetch]: async (url, { headers, signal }) => {
        this.fetched = '';
        this.fetched = await fetchText(url, { headers, signal, maxBytes: MAX_BYTES });
        assertHoldsPublicKeys(this.fetched);
        return new Response(this.fetched);
      },
    });
  }

  async keyFor(header: CompactJWSHeaderParameters): Promise<CryptoKey> {
    if (this.text === undefined) await this.refresh();
    if (this.text === undefined) throw this.neverFetched();
    try {
      return await this.set(header);
    } catch (failure) {
      if (!(failure instanceof errors.JWKSNoMatchingKey)) throw failure;
      await this.refresh();
      return this.set(header);
    }
  }

  override refreshIfDue(): void {
    if (this.clock() >= this.dueAt) void this.refresh();
  }

  /** Waits for the fetch that is under way, or begins one if it is time; never rejects. */
  private async refresh(): Promise<void> {
    if (this.pending === undefined && this.clock() < this.notBefore) return;
    this.pending ??= this.fetch().finally(() => {
      this.pending = undefined;
    });
    await this.pending;
  }

  private async fetch(): Promise<void> {
    try {
      await this.set.reload();
    } catch (failure) {
      this.failures++;
      this.notBefore = this.clock() + Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** (this.failures - 1));
      this.dueAt = this.notBefore;
      this.complain(failure);
      return;
    }
    this.failures = 0;
    this.complaint = '';
    this.notBefore = this.clock() + COOLDOWN_MS;
    this.dueAt = this.clock() + REFRESH_AFTER_MS;
    if (this.fetched === this.text) return;
    this.text = this.fetched;
    this.logger.log({ message: 'the key set has been fetched', url: this.options.url.href });
    this.options.onChange();
  }

  /** Once for each reason, and for each content that is not valid. */
  private complain(failure: unknown): void {
    const reason = reasonOf(failure, this.options.timeoutMs);
    if (this.complaint === reason + this.fetched) return;
    this.complaint = reason + this.fetched;
    const kept = this.text === undefined ? 'there is none yet' : 'the last one stays in use';
    this.logger.error({ message: `the key set cannot be fetched, ${kept}`, url: this.options.url.href, reason });
  }

  private neverFetched(): ServingError {
    return new ServingError('unavailable', 'The keys that tokens are checked with cannot be fetched: try again later', {
      retryAfterMs: Math.max(0, this.notBefore - this.clock()),
    });
  }
}

const KEY_TYPES: ReadonlySet<unknown> = new Set(['RSA', 'EC', 'OKP']);

/** A set without any would lock every caller out, which no issuer means to do. */
function assertHoldsPublicKeys(text: string): void {
  const set = parse(text) as { readonly keys?: unknown } | null;
  const keys: readonly unknown[] = Array.isArray(set?.keys) ? set.keys : [];
  if (!keys.some((key) => KEY_TYPES.has((key as { readonly kty?: unknown } | null)?.kty)))
    throw new Error('it answers with no key set that has a public key in it');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function reasonOf(failure: unknown, timeoutMs: number): string {
  if (!(failure instanceof Error)) return String(failure);
  if (failure instanceof errors.JWKSTimeout || failure.name === 'TimeoutError')
    return `it takes longer than ${timeoutMs} ms`;
  return failure.cause instanceof Error ? `${failure.message}: ${failure.cause.message}` : failure.message;
}

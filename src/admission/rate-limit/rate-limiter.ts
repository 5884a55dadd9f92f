import { Injectable } from '@nestjs/common';
import { ServingError } from '../../core/errors/serving-error.js';
import type { CallContext } from '../../protocol/call/call-context.js';
import type { OperationFamily } from '../../protocol/call/operation.decorator.js';
import { RateLimitConfig } from './rate-limit.config.js';
import { parseRateLimits, type RateLimit, type RateLimits } from './rate-limits.js';
import { TokenBucketStore } from './token-bucket-store.js';

/** Charges callers for what they do: a bucket for each caller and family. */
@Injectable()
export class RateLimiter {
  private readonly limits: RateLimits;
  private readonly countsItems: boolean;

  constructor(
    { RATE_LIMIT = [], RATE_LIMIT_WEIGHT }: RateLimitConfig,
    private readonly buckets: TokenBucketStore,
  ) {
    this.limits = parseRateLimits(RATE_LIMIT);
    this.countsItems = RATE_LIMIT_WEIGHT === 'batch';
  }

  /** `undefined` where the family has no limit. */
  accountOf(call: CallContext, family: OperationFamily): RateLimitAccount | undefined {
    const limit = this.limits.get(family) ?? this.limits.get('*');
    return limit && new RateLimitAccount(`${family} ${callerOf(call)}`, family, limit, this.buckets, this.countsItems);
  }
}

/** What one caller may do of one family. */
class RateLimitAccount {
  constructor(
    private readonly key: string,
    private readonly family: OperationFamily,
    private readonly limit: RateLimit,
    private readonly buckets: TokenBucketStore,
    private readonly countsItems: boolean,
  ) {}

  /**
   * Charges a request of this many items. Throws `resource-exhausted` where the caller is over the limit; returns a
   * promise only where the store does.
   */
  charge(items: number, paid = 0): void | Promise<void> {
    const { capacity, text } = this.limit;
    const price = this.countsItems && items > 1 ? items : 1;
    if (price > capacity) {
      throw exhausted(`a batch of ${price} is more than ${text} ever permits: send at most ${capacity}`);
    }
    if (price <= paid) return undefined;
    const wait = this.buckets.take(this.key, price - paid, this.limit);
    return wait instanceof Promise ? wait.then((settled) => this.refuse(settled)) : this.refuse(wait);
  }

  /** Charges the requests of a call that has paid for its first one as if it had a single item. */
  prepaid(): (items: number) => void | Promise<void> {
    let paid = 1;
    return (items) => {
      const before = paid;
      paid = 0;
      return this.charge(items, before);
    };
  }

  private refuse(wait: number): void {
    if (wait <= 0) return;
    const retry = `try again in ${Math.ceil(wait)} ms`;
    throw exhausted(`too many requests of the family ${this.family} (${this.limit.text}): ${retry}`, wait);
  }
}

const exhausted = (detail: string, retryAfterMs?: number): ServingError =>
  new ServingError('resource-exhausted', `Rate limit: ${detail}`, retryAfterMs === undefined ? {} : { retryAfterMs });

/** By name; callers without one share the bucket of their address, which the wires write in two ways. */
const callerOf = ({ principal, details }: CallContext): string =>
  principal === undefined ? `at ${details.peer.replace(/^::ffff:/, '')}` : `named ${principal.name}`;

import { Injectable } from '@nestjs/common';
import { ServingError } from '../../core/errors/serving-error.js';
import type { CallContext } from '../../protocol/call/call-context.js';
import type { OperationFamily } from '../../protocol/call/operation.decorator.js';
import { batchOf } from './batch-size.js';
import { RateLimitConfig } from './rate-limit.config.js';
import { parseModelRateLimits, parseRateLimits, type RateLimit, type RateLimits } from './rate-limits.js';
import { TokenBucketStore } from './token-bucket-store.js';

/** Charges for what callers do: a bucket for each caller and family, and one for each model that all callers share. */
@Injectable()
export class RateLimiter {
  private readonly limits: RateLimits;
  private readonly modelLimits: RateLimits;
  private readonly countsItems: boolean;

  constructor(
    { RATE_LIMIT = [], RATE_LIMIT_MODELS = [], RATE_LIMIT_WEIGHT }: RateLimitConfig,
    private readonly buckets: TokenBucketStore,
  ) {
    this.limits = parseRateLimits(RATE_LIMIT);
    this.modelLimits = parseModelRateLimits(RATE_LIMIT_MODELS);
    this.countsItems = RATE_LIMIT_WEIGHT === 'batch';
  }

  /** `undefined` where the family has no limit. */
  accountOf(call: CallContext, family: OperationFamily): RateLimitAccount | undefined {
    const limit = this.limits.get(family) ?? this.limits.get('*');
    return limit && this.account(`${family} ${callerOf(call)}`, `of the family ${family}`, limit);
  }

  /**
   * Charges what is known of an inference once the policy has let it in: the caller what is left to pay, then the model,
   * whose bucket is nobody's to empty who may not run it. `undefined` where there is neither.
   */
  behindGuards(caller?: (items: number) => void | Promise<void>): CallContext['onInference'] {
    if (caller === undefined && this.modelLimits.size === 0) return undefined;
    return (request) => {
      const items = batchOf(request) ?? 1;
      const chargeModel = () => this.accountOfModel(request.model)?.charge(items);
      const pending = caller?.(items);
      return pending instanceof Promise ? pending.then(chargeModel) : chargeModel();
    };
  }

  private accountOfModel(model: string): RateLimitAccount | undefined {
    const limit = this.modelLimits.get(model) ?? this.modelLimits.get('*');
    return limit && this.account(`model ${model}`, `for model '${model}'`, limit);
  }

  private account(key: string, subject: string, limit: RateLimit): RateLimitAccount {
    return new RateLimitAccount(key, subject, limit, this.buckets, this.countsItems);
  }
}

/** What one caller may do of one family, or all callers with one model. */
class RateLimitAccount {
  constructor(
    private readonly key: string,
    private readonly subject: string,
    private readonly limit: RateLimit,
    private readonly buckets: TokenBucketStore,
    private readonly countsItems: boolean,
  ) {}

  /**
   * Charges a request of this many items. Throws `resource-exhausted` over the limit; returns a promise only where the
   * store does.
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
    throw exhausted(`too many requests ${this.subject} (${this.limit.text}): ${retry}`, wait);
  }
}

const exhausted = (detail: string, retryAfterMs?: number): ServingError =>
  new ServingError('resource-exhausted', `Rate limit: ${detail}`, retryAfterMs === undefined ? {} : { retryAfterMs });

/** By name; callers without one share the bucket of their address, which the wires write in two ways. */
const callerOf = ({ principal, details }: CallContext): string =>
  principal === undefined ? `at ${details.peer.replace(/^::ffff:/, '')}` : `named ${principal.name}`;

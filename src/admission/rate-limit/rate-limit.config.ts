import { List, OneOf } from '../../config/keys.js';

/** How often a caller may call, and a model be called. */
export class RateLimitConfig {
  @List(
    'The limit of each family of operations for each caller, as family=count/unit:burst with s, m or h; * is every other family.',
  )
  readonly RATE_LIMIT?: readonly string[];

  @List(
    'The limit of the inferences of each model for all callers together, as model=count/unit:burst; * is each other model.',
  )
  readonly RATE_LIMIT_MODELS?: readonly string[];

  @OneOf('What counts as one: a request, or each item of the batch that it carries.', ['request', 'batch'])
  readonly RATE_LIMIT_WEIGHT: 'request' | 'batch' = 'request';
}

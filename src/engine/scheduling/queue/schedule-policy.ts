import { invalidArgument } from '../../../core/errors/catalogue.js';
import { parameterField } from '../../../core/errors/request-field.js';
import type { Parameters } from '../../../core/inference/parameters.js';

/** What a request asks of the queue: the protocol's extension `schedule_policy`. */
export interface SchedulePolicy {
  /** 1 is served first; 0 for the model's default. */
  readonly priority: number;
  /** How long it may wait at the most, in milliseconds; 0 for as long as the model's queue lets it. */
  readonly timeoutMs: number;
}

const ASKS_NOTHING: SchedulePolicy = { priority: 0, timeoutMs: 0 };

/** Reads the parameters `priority` and `timeout` (microseconds). Throws `invalid-argument` for what is no count. */
export function schedulePolicy(parameters: Parameters): SchedulePolicy {
  if (parameters.size === 0) return ASKS_NOTHING;
  return { priority: countOf(parameters, 'priority'), timeoutMs: countOf(parameters, 'timeout') / 1_000 };
}

function countOf(parameters: Parameters, key: string): number {
  const value = parameters.get(key) ?? 0;
  const count = typeof value === 'bigint' ? Number(value) : value;
  if (typeof count === 'number' && Number.isInteger(count) && count >= 0) return count;
  throw invalidArgument(
    `invalid value type for '${key}' parameter, expected int64_param or uint64_param.`,
    parameterField(key),
  );
}

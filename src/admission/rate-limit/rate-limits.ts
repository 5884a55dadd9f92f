import { ConfigurationError } from '../../config/configuration-error.js';
import {
  isOperationFamily,
  OPERATION_FAMILIES,
  type OperationFamily,
} from '../../protocol/call/operation.decorator.js';
import type { BucketSize } from './token-bucket-store.js';

export interface RateLimit extends BucketSize {
  /** As it is configured. */
  readonly text: string;
}

export type RateLimits = ReadonlyMap<OperationFamily | '*', RateLimit>;

const ENTRY = /^([a-z*-]+)=(\d{1,9})\/([smh])(?::(\d{1,9}))?$/;
const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

/** Reads the entries of `RATE_LIMIT`. Throws one `ConfigurationError` with all problems. */
export function parseRateLimits(entries: readonly string[]): RateLimits {
  const limits = new Map<OperationFamily | '*', RateLimit>();
  const problems: string[] = [];
  for (const text of entries) {
    const [, family = '', count = '', unit = '', burst = count] = ENTRY.exec(text) ?? [];
    if (!(Number(count) > 0 && Number(burst) > 0)) {
      problems.push(`RATE_LIMIT: '${text}' is malformed: write family=count/unit or family=count/unit:burst`);
    } else if (family !== '*' && !isOperationFamily(family)) {
      problems.push(`RATE_LIMIT: '${family}' is no family of operations: use * or ${OPERATION_FAMILIES.join(', ')}`);
    } else if (limits.has(family)) {
      problems.push(`RATE_LIMIT: '${family}' stands twice: give each family one limit`);
    } else {
      limits.set(family, { text, capacity: Number(burst), perMs: Number(count) / (UNITS[unit] ?? Number.NaN) });
    }
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  return limits;
}

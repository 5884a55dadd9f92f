import { ConfigurationError } from '../../config/configuration-error.js';
import { isOperationFamily, OPERATION_FAMILIES } from '../../protocol/call/operation.decorator.js';
import type { BucketSize } from './token-bucket-store.js';

export interface RateLimit extends BucketSize {
  /** As it is configured. */
  readonly text: string;
}

/** By family or model; `*` is for all others. */
export type RateLimits = ReadonlyMap<string, RateLimit>;

const ENTRY = /^(.+)=(\d{1,9})\/([smh])(?::(\d{1,9}))?$/;
const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

/** Reads the entries of `RATE_LIMIT`. Throws one `ConfigurationError` with all problems. */
export const parseRateLimits = (entries: readonly string[]): RateLimits =>
  parseEntries('RATE_LIMIT', 'family', entries, (family) => family === '*' || isOperationFamily(family));

/** Reads the entries of `RATE_LIMIT_MODELS`, whose models need not be there. Throws as {@link parseRateLimits} does. */
export const parseModelRateLimits = (entries: readonly string[]): RateLimits =>
  parseEntries('RATE_LIMIT_MODELS', 'model', entries, () => true);

function parseEntries(
  key: string,
  kind: 'family' | 'model',
  entries: readonly string[],
  isKnown: (name: string) => boolean,
): RateLimits {
  const limits = new Map<string, RateLimit>();
  const problems: string[] = [];
  for (const text of entries) {
    const [, name = '', count = '', unit = '', burst = count] = ENTRY.exec(text) ?? [];
    if (!(Number(count) > 0 && Number(burst) > 0)) {
      problems.push(`${key}: '${text}' is malformed: write ${kind}=count/unit or ${kind}=count/unit:burst`);
    } else if (!isKnown(name)) {
      problems.push(`${key}: '${name}' is no family of operations: use * or ${OPERATION_FAMILIES.join(', ')}`);
    } else if (limits.has(name)) {
      problems.push(`${key}: '${name}' stands twice: give each ${kind} one limit`);
    } else {
      limits.set(name, { text, capacity: Number(burst), perMs: Number(count) / (UNITS[unit] ?? Number.NaN) });
    }
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  return limits;
}

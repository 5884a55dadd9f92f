import { createHash, timingSafeEqual } from 'node:crypto';
import { ConfigurationError } from '../../config/configuration-error.js';
import {
  isOperationFamily,
  OPERATION_FAMILIES,
  type OperationFamily,
} from '../../protocol/call/operation.decorator.js';

/** The header that opens a family, and its value as a digest. */
export interface Restriction {
  /** In lower case. */
  readonly header: string;
  opensFor(value: string | undefined): boolean;
}

export type Restrictions = ReadonlyMap<OperationFamily, Restriction>;

/** What a header may be called. */
const NAME = /^[a-z\d_.-]{1,128}$/;

/**
 * Reads `family,family:key=value` entries with semicolons between. Throws one `ConfigurationError` with all problems,
 * which never show a value.
 */
export function parseRestrictions(configKey: string, text: string | undefined, prefix = ''): Restrictions {
  const restrictions = new Map<OperationFamily, Restriction>();
  const problems: string[] = [];
  for (const [index, entry] of (text?.split(';') ?? []).entries()) {
    if (entry.trim() === '') continue;
    const { families, name, value } = split(entry);
    if (!NAME.test(name) || value === '') {
      problems.push(`${configKey}: entry ${index + 1} is malformed: write family,family:key=value`);
      continue;
    }
    const restriction = new SharedKey(prefix + name, digestOf(value));
    for (const family of families) {
      if (!isOperationFamily(family)) {
        problems.push(`${configKey}: '${family}' is no family of operations: use ${OPERATION_FAMILIES.join(', ')}`);
      } else if (restrictions.has(family)) {
        problems.push(`${configKey}: '${family}' stands twice: give each family one key`);
      } else {
        restrictions.set(family, restriction);
      }
    }
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  return restrictions;
}

/** A family may stand alone in a list; the value is all that follows the first `=`. */
function split(entry: string): { readonly families: readonly string[]; readonly name: string; readonly value: string } {
  const colon = entry.indexOf(':');
  const equals = entry.indexOf('=', colon);
  const wellFormed = colon > 0 && equals > colon;
  return {
    families: entry
      .slice(0, colon)
      .split(',')
      .map((family) => family.trim()),
    name: wellFormed
      ? entry
          .slice(colon + 1, equals)
          .trim()
          .toLowerCase()
      : '',
    value: wellFormed ? entry.slice(equals + 1).trim() : '',
  };
}

class SharedKey implements Restriction {
  constructor(
    readonly header: string,
    private readonly digest: Buffer,
  ) {}

  /** Takes as long for any value. */
  opensFor(value: string | undefined): boolean {
    return value !== undefined && timingSafeEqual(digestOf(value), this.digest);
  }
}

const digestOf = (value: string): Buffer => createHash('sha256').update(value).digest();

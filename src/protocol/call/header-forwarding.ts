import { ConfigurationError } from '../../config/configuration-error.js';
import { invalidArgument } from '../../core/errors/catalogue.js';
import type { ParameterValue, Parameters } from '../../core/inference/parameters.js';
import type { EncodedRequest } from '../../core/inference/request.js';
import type { CallContext } from './call-context.js';

/** Names and values; a name may stand several times. */
export type Headers = Iterable<readonly [name: string, value: string]>;

/** What parameters of these names mean is the protocol's. */
const RESERVED: ReadonlySet<string> = new Set([
  'sequence_id',
  'sequence_start',
  'sequence_end',
  'priority',
  'timeout',
  'headers',
  'binary_data_output',
]);

/** Longer names are left alone: how long a pattern takes grows faster than they do. */
const MAX_NAME = 128;

/** Turns the headers whose names match a pattern into parameters of the inference, as Triton does. */
export class HeaderForwarding {
  private constructor(private readonly pattern: RegExp) {}

  /**
   * Reads the pattern of a configuration key: it matches anywhere in a name, in either case unless it starts with
   * `(?-i)`. `undefined` for no pattern. Throws a `ConfigurationError`.
   */
  static read(key: string, text: string): HeaderForwarding | undefined {
    if (text === '') return undefined;
    // Repeated groups are what makes a pattern take forever on a name that a caller chose for that.
    if (/(?<!\\)\)[*+{]/.test(text)) {
      throw new ConfigurationError([`${key}: '${text}' repeats a group: write the alternatives out`]);
    }
    const [, mode = ''] = /^\(\?(-?i)\)/.exec(text) ?? [];
    const source = mode === '' ? text : text.slice(mode.length + 3);
    try {
      return new HeaderForwarding(new RegExp(source, mode === '-i' ? 'u' : 'iu'));
    } catch (failure) {
      throw new ConfigurationError([`${key}: ${(failure as Error).message}: use the syntax of JavaScript`]);
    }
  }

  /** The values by names in lower case; those of a name that stands several times are put together with commas. */
  parametersOf(headers: Headers): Parameters {
    const parameters = new Map<string, ParameterValue>();
    for (const [header, value] of headers) {
      if (header.length > MAX_NAME || !this.pattern.test(header)) continue;
      const name = header.toLowerCase();
      if (RESERVED.has(name) || name.startsWith('triton_')) {
        throw invalidArgument(`Header '${name}' is reserved for Triton usage and cannot be forwarded.`);
      }
      const before = parameters.get(name);
      parameters.set(name, before === undefined ? value : `${before}, ${value}`);
    }
    return parameters;
  }
}

/** The request with what is forwarded of its call's headers; a header stands before a parameter of its name. */
export function withForwarded(request: EncodedRequest, { forwarded }: CallContext): EncodedRequest {
  const headers = forwarded?.();
  if (headers === undefined || headers.size === 0) return request;
  return { ...request, parameters: new Map([...request.parameters, ...headers]) };
}

import { invalidArgument } from '../../../core/errors/catalogue.js';
import { parameterField } from '../../../core/errors/request-field.js';
import type { SequenceContext } from '../../../core/inference/context.js';
import type { Parameters } from '../../../core/inference/parameters.js';

/** The correlation id of a sequence; a text and a number are never the same. */
export type SequenceId = SequenceContext['id'];

/** What a request says of its sequence: the protocol's extension `sequence`. */
export interface SequenceParameters {
  readonly id: SequenceId;
  readonly start: boolean;
  readonly end: boolean;
  /** The id is no caller's, and nobody else knows it. */
  readonly isMade?: true;
}

/**
 * Reads the parameters `sequence_id`, `sequence_start` and `sequence_end`. Throws `invalid-argument` for those of
 * another type, and for a request without an id: 0 and the empty text are none. With `makeId` such a request is a
 * sequence of its own.
 */
export function sequenceParameters(
  model: string,
  parameters: Parameters,
  makeId?: () => SequenceId,
): SequenceParameters {
  const id = idOf(parameters);
  const start = flagOf(parameters, 'sequence_start');
  const end = flagOf(parameters, 'sequence_end');
  if (id !== undefined) return { id, start, end };
  if (makeId !== undefined) return { id: makeId(), start: true, end: true, isMade: true };
  throw invalidArgument(
    `inference request to model '${model}' must specify a non-zero or non-empty correlation ID`,
    parameterField('sequence_id'),
  );
}

function idOf(parameters: Parameters): SequenceId | undefined {
  const id = parameters.get('sequence_id');
  if (id === undefined || id === 0 || id === 0n || id === '') return undefined;
  if (typeof id === 'string' || (typeof id === 'bigint' && id > 0n)) return id;
  if (typeof id === 'number' && Number.isSafeInteger(id) && id > 0) return id;
  throw invalidArgument(
    `invalid value type for 'sequence_id' parameter, expected int64_param or string_param.`,
    parameterField('sequence_id'),
  );
}

function flagOf(parameters: Parameters, key: string): boolean {
  const flag = parameters.get(key) ?? false;
  if (typeof flag === 'boolean') return flag;
  throw invalidArgument(`invalid value type for '${key}' parameter, expected bool_param.`, parameterField(key));
}

import { invalidArgument } from '../../core/errors/catalogue.js';
import type { RequestedOutput } from '../../core/inference/request.js';
import type { NamedSpec } from '../../core/model/signature.js';
import type { Datatype } from '../../core/tensor/datatype.js';

/** The parameter of a requested output that asks for so many classes in its place. */
export const CLASSIFICATION = 'classification';

/** How many classes are wanted of an output; `undefined` for the output itself. Throws `invalid-argument`. */
export function classCount({ name, parameters }: RequestedOutput): number | undefined {
  const count = parameters.get(CLASSIFICATION);
  if (count === undefined) return undefined;
  if (typeof count !== 'bigint' && !Number.isInteger(count)) {
    throw invalidArgument(
      `invalid value type for '${CLASSIFICATION}' parameter for output '${name}', expected int64_param.`,
    );
  }
  if (Number(count) > 0) return Number(count);
  throw invalidArgument(
    `invalid value for '${CLASSIFICATION}' parameter for output '${name}', expected value > 0, got ${String(count)}`,
  );
}

const UNORDERED: ReadonlySet<Datatype> = new Set(['BYTES', 'BOOL', 'FP16', 'BF16']);

/** Throws `invalid-argument` for an output whose values make no classes. */
export function refuseUnclassifiable({ name, datatype }: Pick<NamedSpec, 'name' | 'datatype'>): void {
  if (!UNORDERED.has(datatype)) return;
  throw invalidArgument(
    `class result not available for output due to unsupported type '${datatype}': request output '${name}' without '${CLASSIFICATION}'`,
  );
}

/**
 * The dimensions of a tensor, outermost first; `[]` is a scalar.
 * In a signature a dimension of -1 takes any size; in a tensor every dimension is a safe integer >= 0.
 */
export type Shape = readonly number[];

/** The largest number of elements, or bytes, that a tensor may claim: beyond it arithmetic would no longer be exact. */
export const MAX_ELEMENTS = Number.MAX_SAFE_INTEGER;

/**
 * The product of the dimensions, or `undefined` when it is not an exact non-negative integer
 * (a dimension is negative or no safe integer, or the product overflows).
 */
export function elementCount(shape: Shape): number | undefined {
  let count = 1;
  for (const dimension of shape) {
    if (!Number.isSafeInteger(dimension) || dimension < 0) return undefined;
    // Capped, not refused at once: a later 0 makes an overflowing product 0 again, the tensor is empty, and legal.
    count = Math.min(count * dimension, MAX_ELEMENTS + 1);
  }
  return count > MAX_ELEMENTS ? undefined : count;
}

/** Whether a tensor's shape fits a signature's: the same rank, and equal wherever the signature is not -1. */
export function shapeMatches(expected: Shape, actual: Shape): boolean {
  if (expected.length !== actual.length) return false;
  for (let axis = 0; axis < expected.length; axis++) {
    const dimension = actual[axis];
    if (dimension === undefined || dimension < 0) return false;
    if (expected[axis] !== -1 && expected[axis] !== dimension) return false;
  }
  return true;
}

/** As messages show it; the dimensions after the first 32 of an absurd rank are left out. */
export const formatShape = (shape: Shape): string =>
  shape.length <= MAX_SHOWN
    ? `[${shape.join(',')}]`
    : `[${shape.slice(0, MAX_SHOWN).join(',')},… ${shape.length} in all]`;

const MAX_SHOWN = 32;

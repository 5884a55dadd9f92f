import { invalidArgument } from '../errors/catalogue.js';
import { inputField } from '../errors/request-field.js';
import type { ServingError } from '../errors/serving-error.js';
import type { RegionSlice } from '../inference/shared-tensors.js';
import type { TypedField } from './datatype.js';
import { elementCount, formatShape, MAX_ELEMENTS, type Shape } from './shape.js';

/** An input as it came over a wire: nothing about it is checked yet, and nothing is allocated for it. */
export interface EncodedTensor {
  readonly name: string;
  /** As the caller wrote it; it may be no datatype at all. */
  readonly datatype: string;
  readonly shape: Shape;
  readonly contents: EncodedContents;
  /** What the caller says of the elements, in any words. */
  readonly contentType?: string | undefined;
}

export type EncodedContents =
  /** Little-endian, row-major; each element of BYTES behind its length as a little-endian uint32. */
  | { readonly kind: 'raw'; readonly bytes: Uint8Array }
  /** The fields of `InferTensorContents` that hold anything. */
  | { readonly kind: 'typed'; readonly fields: readonly TypedContents[] }
  /** A parsed JSON value, flat or nested; integers beyond 2^53 are bigints. */
  | { readonly kind: 'json'; readonly value: unknown }
  /** Found wrong by a wire that has read the values already; thrown in its turn, when the tensor is decoded. */
  | { readonly kind: 'refused'; readonly error: ServingError }
  /** In memory that the caller shares with the server. */
  | { readonly kind: 'shared'; readonly slice: RegionSlice }
  | { readonly kind: 'none' };

export interface TypedContents {
  readonly field: TypedField;
  /** 64-bit integers come as decimal strings, bigints or numbers. */
  readonly values: ArrayLike<unknown>;
}

/** Names the tensor in the errors of the decoders. */
export interface InputPlace {
  readonly input: string;
  readonly model: string;
}

/** The element count that a shape claims, or the error that names what is wrong with it. */
export function countElements(shape: Shape, size: number, { input, model }: InputPlace): number {
  for (const dimension of shape) {
    if (!Number.isInteger(dimension) || dimension < 0) {
      throw invalidArgument(
        `input '${input}' of model '${model}': dimension ${dimension} of shape ${formatShape(shape)} is not an integer from 0 to 2^53-1`,
        inputField(input, 'shape'),
      );
    }
  }
  const count = elementCount(shape);
  if (count !== undefined && Number.isSafeInteger(count * size)) return count;
  // Clients match on which of the two overflows they are told, and know elements counted in a signed 64-bit integer.
  const claimed = shape.reduce((product, dimension) => product * dimension, 1);
  throw invalidArgument(
    size > 0 && claimed < 2 ** 63
      ? `byte size overflow for input '${input}' of model '${model}': shape ${formatShape(shape)} with ${size} bytes an element exceeds ${MAX_ELEMENTS}`
      : `input '${input}' of model '${model}': shape ${formatShape(shape)} causes total element count to exceed maximum size of ${MAX_ELEMENTS}`,
    inputField(input, 'shape'),
  );
}

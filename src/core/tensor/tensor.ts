import { type Datatype, datatypeInfo, type NumericData, type TensorData } from './datatype.js';
import { fromBf16, fromFp16 } from './half.js';
import { elementCount, formatShape, type Shape } from './shape.js';

/** One element of a tensor as `map` sees it: the 16-bit floats are raw bits, BOOL is 0 or 1. */
export type TensorElement<D extends Datatype> = TensorData[D][number];

/**
 * A typed, row-major, n-dimensional array: `data` holds as many elements as `shape` multiplies to.
 *
 * The data of a received tensor is a view on the received bytes wherever their alignment allows, so a model must
 * not write into its inputs.
 */
export class Tensor<D extends Datatype = Datatype> {
  /** Throws a `RangeError` when the data's length does not match the shape. */
  constructor(
    readonly datatype: D,
    readonly shape: Shape,
    readonly data: TensorData[D],
  ) {
    const expected = elementCount(shape);
    if (expected !== data.length) {
      throw new RangeError(
        `${datatype} tensor of shape ${formatShape(shape)} needs ${expected ?? 'a countable number of'} elements, got ${data.length}`,
      );
    }
  }

  /** Makes a tensor of the same shape and datatype from each element in turn. */
  map(convert: (value: TensorElement<D>, index: number) => TensorElement<D>): Tensor<D> {
    const data: unknown =
      this.datatype === 'BYTES'
        ? Array.from(this.data as TensorData['BYTES'], convert as (value: Buffer, index: number) => Buffer)
        : (this.data as unknown as Float32Array).map(convert as unknown as (value: number, index: number) => number);
    return new Tensor(this.datatype, this.shape, data as TensorData[D]);
  }

  /** The elements of a BYTES tensor as UTF-8 text; a byte sequence that is not UTF-8 shows U+FFFD. */
  text(this: Tensor<'BYTES'>): string[] {
    return this.data.map((element) => element.toString('utf8'));
  }

  /** The elements of a BYTES tensor as dates, from ISO 8601; one that is no date is an invalid one. */
  dates(this: Tensor<'BYTES'>): Date[] {
    return this.data.map((element) => new Date(element.toString('latin1')));
  }

  /** The elements as numbers: FP16 and BF16 are widened, the 64-bit integers are rounded to doubles. */
  numbers(this: Tensor<Exclude<D, 'BYTES'>>): number[] {
    const { datatype, data } = this as unknown as Tensor<Exclude<Datatype, 'BYTES'>>;
    if (datatype === 'FP16') return Array.from(data as Uint16Array, fromFp16);
    if (datatype === 'BF16') return Array.from(data as Uint16Array, fromBf16);
    return Array.from(data as ArrayLike<number | bigint>, Number);
  }
}

/** Tensors by name. The object has no prototype, so that a tensor may be called `__proto__` or `constructor`. */
export type NamedTensors = Readonly<Record<string, Tensor>>;

/** An empty record of tensors that takes any name. */
export const namedTensors = (): Record<string, Tensor> => Object.create(null) as Record<string, Tensor>;

/** A view on the bytes as the datatype's array; the bytes are copied only when they are not aligned to the element. */
export function viewBytes(datatype: Exclude<Datatype, 'BYTES'>, bytes: Uint8Array): NumericData {
  const { array: Data, size } = datatypeInfo(datatype);
  if (Data === undefined) throw new TypeError(`${datatype} has no element array`);
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return new Data(aligned.buffer, aligned.byteOffset, aligned.byteLength / size);
}

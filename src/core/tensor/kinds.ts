import { BIG_BOUNDS, type Datatype, datatypeInfo, type TensorData } from './datatype.js';
import { toBf16, toFp16 } from './half.js';
import type { Shape } from './shape.js';
import { Tensor } from './tensor.js';

/** The declared datatype and shape of one input or output. */
export interface TensorSpec<D extends Datatype = Datatype, Optional extends boolean = boolean> {
  readonly datatype: D;
  /** The protocol's shape, batch dimension included; -1 takes any size. */
  readonly shape: Shape;
  /** Whether a request may leave the input out. */
  readonly optional: Optional;
}

/** What the values of a datatype may be given as. */
export type TensorValues<D extends Datatype> =
  | TensorData[D]
  | (D extends 'BYTES'
      ? readonly (string | Uint8Array)[]
      : D extends 'BOOL'
        ? ArrayLike<number | boolean>
        : D extends 'INT64' | 'UINT64'
          ? ArrayLike<number | bigint>
          : ArrayLike<number>);

/** Declares a tensor in a signature when called, makes one with `of`. */
export interface TensorKind<D extends Datatype> {
  readonly datatype: D;
  /**
   * Declares an input or output.
   * @example fp32(-1, 28, 28) // any number of 28 x 28 matrices
   */
  (...shape: readonly number[]): TensorSpec<D, false>;
  /**
   * Makes a tensor. An array of the datatype's own class is taken as it is, anything else is copied and checked:
   * an integer out of range throws a `RangeError`. FP16 and BF16 are rounded from numbers unless given as bits
   * in a `Uint16Array`; text becomes UTF-8.
   */
  of(shape: Shape, values: TensorValues<D>): Tensor<D>;
}

function kind<D extends Datatype>(datatype: D): TensorKind<D> {
  const declare = (...shape: readonly number[]): TensorSpec<D, false> => ({ datatype, shape, optional: false });
  return Object.assign(declare, {
    datatype,
    of: (shape: Shape, values: TensorValues<D>) => new Tensor(datatype, shape, toData(datatype, values)),
  });
}

function toData<D extends Datatype>(datatype: D, values: TensorValues<D>): TensorData[D] {
  const { array: Data, numbers } = datatypeInfo(datatype);
  if (Data === undefined) {
    const texts = values as readonly (string | Uint8Array)[];
    return texts.map((text) => (typeof text === 'string' ? Buffer.from(text, 'utf8') : asBuffer(text))) as never;
  }
  if (values instanceof Data) return values as TensorData[D];
  const source = values as ArrayLike<number | bigint | boolean>;
  if (numbers === 'big-integer') {
    const data = new Data(source.length) as BigInt64Array;
    for (let i = 0; i < source.length; i++) data[i] = toBigInteger(datatype, source[i]);
    return data as TensorData[D];
  }
  const data = new Data(source.length) as Float64Array;
  for (let i = 0; i < source.length; i++) data[i] = toNumber(datatype, source[i]);
  return data as unknown as TensorData[D];
}

function toNumber(datatype: Datatype, value: number | bigint | boolean | undefined): number {
  const { numbers, min, max } = datatypeInfo(datatype);
  const number = Number(value);
  if (numbers === 'float') return number;
  if (numbers === 'half') return datatype === 'FP16' ? toFp16(number) : toBf16(number);
  if (!Number.isInteger(number) || number < min || number > max) {
    throw new RangeError(`${String(value)} is no ${datatype}: it takes integers from ${min} to ${max}`);
  }
  return number;
}

function toBigInteger(datatype: Datatype, value: number | bigint | boolean | undefined): bigint {
  const { min, max } = BIG_BOUNDS[datatype as 'INT64' | 'UINT64'];
  const integer = BigInt(value ?? 0);
  if (integer < min || integer > max) {
    throw new RangeError(`${integer} is no ${datatype}: it takes integers from ${min} to ${max}`);
  }
  return integer;
}

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export const bool = kind('BOOL');
export const uint8 = kind('UINT8');
export const uint16 = kind('UINT16');
export const uint32 = kind('UINT32');
export const uint64 = kind('UINT64');
export const int8 = kind('INT8');
export const int16 = kind('INT16');
export const int32 = kind('INT32');
export const int64 = kind('INT64');
export const fp16 = kind('FP16');
export const bf16 = kind('BF16');
export const fp32 = kind('FP32');
export const fp64 = kind('FP64');
export const bytes = kind('BYTES');

/**
 * Lets requests leave an input out; the model then sees `undefined`.
 * @example signature({ inputs: { text: bytes(1), seed: optional(int64(1)) }, outputs: { answer: bytes(1) } })
 */
export const optional = <D extends Datatype>({ datatype, shape }: TensorSpec<D>): TensorSpec<D, true> => ({
  datatype,
  shape,
  optional: true,
});

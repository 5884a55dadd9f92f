/** The 14 datatypes of the Open Inference Protocol; names are case-sensitive. */
export type Datatype =
  | 'BOOL'
  | 'UINT8'
  | 'UINT16'
  | 'UINT32'
  | 'UINT64'
  | 'INT8'
  | 'INT16'
  | 'INT32'
  | 'INT64'
  | 'FP16'
  | 'BF16'
  | 'FP32'
  | 'FP64'
  | 'BYTES';

/** What `tensor.data` is for each datatype: a little-endian view, or one buffer for each element of BYTES. */
export interface TensorData {
  /** One byte an element; any value but 0 is true. */
  BOOL: Uint8Array;
  UINT8: Uint8Array;
  UINT16: Uint16Array;
  UINT32: Uint32Array;
  UINT64: BigUint64Array;
  INT8: Int8Array;
  INT16: Int16Array;
  INT32: Int32Array;
  INT64: BigInt64Array;
  /** The bits of IEEE 754 half floats. */
  FP16: Uint16Array;
  /** The upper halves of FP32 values. */
  BF16: Uint16Array;
  FP32: Float32Array;
  FP64: Float64Array;
  BYTES: readonly Buffer[];
}

export type NumericDatatype = Exclude<Datatype, 'BYTES'>;
export type NumericData = TensorData[NumericDatatype];

/** The fields of `InferTensorContents` in the protocol's gRPC messages. */
export type TypedField =
  | 'bool_contents'
  | 'int_contents'
  | 'int64_contents'
  | 'uint_contents'
  | 'uint64_contents'
  | 'fp32_contents'
  | 'fp64_contents'
  | 'bytes_contents';

/** How the values of a datatype behave when they are read from numbers. */
export type NumberClass = 'boolean' | 'integer' | 'big-integer' | 'float' | 'half' | 'text';

interface ArrayConstructor<A> {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): A;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): A;
}

export interface DatatypeInfo {
  /** Bytes of one element; 0 for BYTES, whose elements carry their own length. */
  readonly size: number;
  readonly numbers: NumberClass;
  /** Inclusive bounds of the integer datatypes that fit a JavaScript number. */
  readonly min: number;
  readonly max: number;
  readonly field: TypedField | undefined;
  readonly array: ArrayConstructor<NumericData> | undefined;
}

const info = (
  size: number,
  numbers: NumberClass,
  field: TypedField | undefined,
  array: ArrayConstructor<NumericData> | undefined,
  min = 0,
  max = 0,
): DatatypeInfo => ({ size, numbers, min, max, field, array });

export const DATATYPES = {
  BOOL: info(1, 'boolean', 'bool_contents', Uint8Array, 0, 1),
  UINT8: info(1, 'integer', 'uint_contents', Uint8Array, 0, 0xff),
  UINT16: info(2, 'integer', 'uint_contents', Uint16Array, 0, 0xffff),
  UINT32: info(4, 'integer', 'uint_contents', Uint32Array, 0, 0xffff_ffff),
  UINT64: info(8, 'big-integer', 'uint64_contents', BigUint64Array),
  INT8: info(1, 'integer', 'int_contents', Int8Array, -0x80, 0x7f),
  INT16: info(2, 'integer', 'int_contents', Int16Array, -0x8000, 0x7fff),
  INT32: info(4, 'integer', 'int_contents', Int32Array, -0x8000_0000, 0x7fff_ffff),
  INT64: info(8, 'big-integer', 'int64_contents', BigInt64Array),
  FP16: info(2, 'half', undefined, Uint16Array),
  BF16: info(2, 'half', undefined, Uint16Array),
  FP32: info(4, 'float', 'fp32_contents', Float32Array),
  FP64: info(8, 'float', 'fp64_contents', Float64Array),
  BYTES: info(0, 'text', 'bytes_contents', undefined),
} as const satisfies Record<Datatype, DatatypeInfo>;

/** The inclusive bounds of the 64-bit integer datatypes. */
export const BIG_BOUNDS = {
  INT64: { min: -(2n ** 63n), max: 2n ** 63n - 1n },
  UINT64: { min: 0n, max: 2n ** 64n - 1n },
} as const;

export const isDatatype = (text: unknown): text is Datatype =>
  typeof text === 'string' && Object.hasOwn(DATATYPES, text);

/** The size, array and wire fields of a datatype, without the narrowing of {@link DATATYPES}. */
export const datatypeInfo = (datatype: Datatype): DatatypeInfo => DATATYPES[datatype];

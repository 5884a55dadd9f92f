import type { TypedField } from '../../../core/tensor/datatype.js';
import type { TypedContents } from '../../../core/tensor/encoded-tensor.js';
import type { InferTensorContents } from '../messages.js';
import { FIXED32, FIXED64, LENGTH_DELIMITED, VARINT, type WireReader } from './wire-reader.js';

type Values = ArrayLike<number | bigint>;

/** How the values of one repeated field are written, one by one and packed. */
interface FieldCodec {
  readonly name: keyof InferTensorContents;
  /** The wire type of a value that comes by itself. */
  readonly wireType: number;
  one(reader: WireReader): number | bigint;
  packed(reader: WireReader): Values;
}

/** The fields of `InferTensorContents` by their numbers, but for the bytes. */
const FIELDS: readonly (FieldCodec | undefined)[] = [
  undefined,
  varints('bool_contents', Uint8Array, (reader) => +reader.bool()),
  varints('int_contents', Int32Array, (reader) => reader.int32()),
  varints('int64_contents', BigInt64Array, (reader) => BigInt(reader.int64())),
  varints('uint_contents', Uint32Array, (reader) => reader.uint32()),
  varints('uint64_contents', BigUint64Array, (reader) => BigInt(reader.uint64())),
  floats('fp32_contents', FIXED32, Float32Array, (reader) => reader.float()),
  floats('fp64_contents', FIXED64, Float64Array, (reader) => reader.double()),
];

const BYTES_FIELD = 8;

/** Reads `InferTensorContents` straight into typed arrays; values may come packed, one by one, or both. */
export function readTensorContents(reader: WireReader): InferTensorContents {
  const contents: Record<string, Values | Buffer[]> = {};
  let elements: Buffer[] | undefined;
  while (!reader.done) {
    const tag = reader.uint32();
    const wireType = tag & 7;
    const field = FIELDS[tag >>> 3];
    if (field !== undefined) {
      const before = Object.hasOwn(contents, field.name) ? (contents[field.name] as Values) : undefined;
      contents[field.name] = readField(field, reader, wireType, before);
    } else if (tag >>> 3 === BYTES_FIELD && wireType === LENGTH_DELIMITED) {
      if (elements === undefined) contents['bytes_contents'] = elements = [];
      elements.push(reader.slice());
    } else reader.skip(wireType);
  }
  return contents;
}

/** The fields that hold anything: one without a value is none. */
export function filledFields(contents: InferTensorContents): TypedContents[] {
  const fields: TypedContents[] = [];
  for (const [field, values] of Object.entries(contents) as [TypedField, ArrayLike<unknown>][]) {
    if (values.length > 0) fields.push({ field, values });
  }
  return fields;
}

/** Nearly always the values come as one packed part, which is then taken as it is. */
function readField(field: FieldCodec, reader: WireReader, wireType: number, before: Values | undefined): Values {
  if (wireType === LENGTH_DELIMITED && before === undefined) return field.packed(reader);
  const list = Array.isArray(before) ? (before as (number | bigint)[]) : Array.from(before ?? []);
  if (wireType === LENGTH_DELIMITED) {
    for (const value of Array.from(field.packed(reader))) list.push(value);
  } else if (wireType === field.wireType) {
    list.push(field.one(reader));
  } else throw new RangeError(`${field.name} came as wire type ${wireType}`);
  return list;
}

interface Integers {
  [index: number]: number | bigint;
  readonly length: number;
}

function varints(
  name: keyof InferTensorContents,
  Data: new (length: number) => Integers,
  one: (reader: WireReader) => number | bigint,
): FieldCodec {
  const packed = (reader: WireReader): Values => {
    const values = reader.message();
    // Each varint ends with the one byte that has no continuation bit, so their number is known before any is read.
    let count = 0;
    for (let at = values.position; at < values.end; at++) count += +((values.bytes[at] ?? 0) < 0x80);
    const data = new Data(count);
    for (let index = 0; index < count; index++) data[index] = one(values);
    if (!values.done) throw new RangeError(`${name} ends within a value`);
    return data;
  };
  return { name, wireType: VARINT, one, packed };
}

interface FloatArray {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): Values;
}

function floats(
  name: keyof InferTensorContents,
  wireType: number,
  Data: FloatArray,
  one: (reader: WireReader) => number,
): FieldCodec {
  const size = Data.BYTES_PER_ELEMENT;
  const packed = (reader: WireReader): Values => {
    const bytes = reader.slice();
    if (bytes.length % size !== 0) throw new RangeError(`${name} ends within a value`);
    const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
    return new Data(aligned.buffer, aligned.byteOffset, bytes.length / size);
  };
  return { name, wireType, one, packed };
}

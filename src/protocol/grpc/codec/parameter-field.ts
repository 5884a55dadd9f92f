import type { ParameterValue } from '../../../core/inference/parameters.js';
import type { InferParameter, ParameterMap } from '../messages.js';
import { isUnsigned64, isWhole } from '../parameters.js';
import { FIXED64, LENGTH_DELIMITED, VARINT, type WireReader } from './wire-reader.js';
import { bigVarintSize, fieldSize, type WireWriter } from './wire-writer.js';

/** The number of the parameters' field in requests, responses and their tensors alike. */
const PARAMETERS = 4;

type WritableMap = Record<string, InferParameter>;

/** Without a prototype, so that a parameter may be called `__proto__`. */
export const parameterMap = (): WritableMap => Object.create(null) as WritableMap;

/** The tag of a length-delimited field. */
export const delimited = (field: number): number => (field << 3) | LENGTH_DELIMITED;
export const varint = (field: number): number => (field << 3) | VARINT;

/** One entry of a map: its key and its value, either of which may be left out. */
export function readParameter(entry: WireReader, map: ParameterMap): void {
  let key = '';
  let value: InferParameter = {};
  while (!entry.done) {
    const tag = entry.uint32();
    if (tag === delimited(1)) key = entry.string();
    else if (tag === delimited(2)) value = readParameterValue(entry.message());
    else entry.skip(tag & 7);
  }
  (map as WritableMap)[key] = value;
}

/** The choices exclude each other: the last one that stands counts. */
function readParameterValue(reader: WireReader): InferParameter {
  let value: InferParameter = {};
  while (!reader.done) {
    const tag = reader.uint32();
    switch (tag) {
      case varint(1):
        value = { bool_param: reader.bool() };
        break;
      case varint(2):
        value = { int64_param: reader.int64() };
        break;
      case delimited(3):
        value = { string_param: reader.string() };
        break;
      case (4 << 3) | FIXED64:
        value = { double_param: reader.double() };
        break;
      case varint(5):
        value = { uint64_param: reader.uint64() };
        break;
      default:
        reader.skip(tag & 7);
    }
  }
  return value;
}

export interface MeasuredParameter {
  readonly name: string;
  readonly nameLength: number;
  readonly value: ParameterValue;
  readonly valueSize: number;
  readonly size: number;
}

export function measureParameter([name, value]: readonly [string, ParameterValue]): MeasuredParameter {
  const nameLength = Buffer.byteLength(name);
  const valueSize = parameterSize(value);
  return { name, nameLength, value, valueSize, size: fieldSize(nameLength) + fieldSize(valueSize) };
}

/** The size of an InferParameter; whole numbers travel as 64-bit integers, which every dialect knows. */
function parameterSize(value: ParameterValue): number {
  switch (typeof value) {
    case 'boolean':
      return 2;
    case 'string':
      return fieldSize(Buffer.byteLength(value));
    case 'bigint':
      return 1 + bigVarintSize(value);
    case 'number':
      return isWhole(value) ? 1 + bigVarintSize(BigInt(value)) : 9;
  }
}

export function writeParameter(
  writer: WireWriter,
  { name, nameLength, value, valueSize, size }: MeasuredParameter,
  field = PARAMETERS,
): void {
  writer.header(field, size);
  writer.stringField(1, name, nameLength);
  writer.header(2, valueSize);
  switch (typeof value) {
    case 'boolean':
      return writer.varintField(1, +value);
    case 'string':
      return writer.stringField(3, value, Buffer.byteLength(value));
    case 'bigint':
      return writer.bigVarintField(isUnsigned64(value) ? 5 : 2, value);
    case 'number':
      if (isWhole(value)) return writer.bigVarintField(2, BigInt(value));
      return writer.doubleField(4, value);
  }
}

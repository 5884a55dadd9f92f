import { isUtf8 } from 'node:buffer';
import { invalidArgument } from '../errors/catalogue.js';
import { inputField } from '../errors/request-field.js';
import { BIG_BOUNDS, type Datatype, datatypeInfo } from './datatype.js';
import { countElements, type InputPlace } from './encoded-tensor.js';
import { formatShape, type Shape } from './shape.js';
import { Tensor } from './tensor.js';

/** The `data` of a tensor in a JSON body, in both directions. */

/** Deeper nesting than any tensor has is refused before it can exhaust the stack. */
export const MAX_JSON_DEPTH = 100;

/** How NaN and the infinities are written: as Triton does, which is no strict JSON, or as MLServer does. */
export type NonFinite = 'bare' | 'null';

/**
 * Reads flat or nested `data`. Whatever the nesting, its rectangular flattening must have as many elements as the
 * shape; values are taken leniently only where nothing is lost (1.0 for an integer, 0 and 1 for BOOL, an integer
 * for BYTES as its decimal text).
 */
export function decodeJsonData(datatype: Datatype, shape: Shape, value: unknown, place: InputPlace): Tensor {
  const { numbers, size, array: Data } = datatypeInfo(datatype);
  if (numbers === 'half') {
    throw invalidArgument(
      `receiving ${datatype} data via JSON is not supported. Please use the binary data format for input ${place.input}`,
      inputField(place.input, 'contents'),
    );
  }
  const expected = countElements(shape, size, place);
  const flat = flatten(Array.isArray(value) ? value : [value], place);
  if (flat.length !== expected) throw wrongLength(flat.length, expected, shape, place);
  if (Data === undefined) {
    return new Tensor(datatype, shape, Array.from(flat, (element) => READERS.text(element, datatype, place)) as never);
  }
  const data = new Data(expected) as Float64Array;
  fill(data, flat, datatype, place);
  return new Tensor(datatype, shape, data as never);
}

/** The largest finite value of FP32. */
const MAX_FP32 = (2 - 2 ** -23) * 2 ** 127;

/** Takes plain numbers within the datatype's bounds as they are; whatever else there is goes through its reader. */
function fill(data: Float64Array, values: readonly unknown[], datatype: Datatype, place: InputPlace): void {
  const { numbers } = datatypeInfo(datatype);
  const read = READERS[numbers];
  const isFloat = numbers === 'float';
  const { min, max } = plainBounds(datatype);
  for (let i = 0; i < data.length; i++) {
    const value = values[i];
    const isPlain = typeof value === 'number' && value >= min && value <= max && (isFloat || Number.isInteger(value));
    data[i] = isPlain ? value : (read(value, datatype, place) as number);
  }
}

function plainBounds(datatype: Datatype): { readonly min: number; readonly max: number } {
  if (datatype === 'FP64') return { min: -Number.MAX_VALUE, max: Number.MAX_VALUE };
  if (datatype === 'FP32') return { min: -MAX_FP32, max: MAX_FP32 };
  const { numbers, min, max } = datatypeInfo(datatype);
  return numbers === 'big-integer' ? { min: 1, max: 0 } : { min, max };
}

function wrongLength(actual: number, expected: number, shape: Shape, { input }: InputPlace) {
  const claim =
    actual < expected
      ? "Failed to parse 'data' field: shape does not match true shape"
      : "Unable to parse 'data': Shape does not match true shape of 'data' field";
  return invalidArgument(
    `${claim}: input '${input}' has shape ${formatShape(shape)}, expected ${expected} elements, got ${actual}`,
    inputField(input, 'contents'),
  );
}

/** Flattens rectangular nesting row-major; a flat array is returned as it is. */
function flatten(data: readonly unknown[], place: InputPlace): readonly unknown[] {
  let level = data;
  for (let depth = 1; holdsArray(level); depth++) {
    if (depth >= MAX_JSON_DEPTH) {
      throw invalidArgument(
        `JSON nesting depth exceeds maximum allowed limit (${MAX_JSON_DEPTH})`,
        inputField(place.input, 'contents'),
      );
    }
    const width = Array.isArray(level[0]) ? level[0].length : -1;
    if (!level.every((item) => Array.isArray(item) && item.length === width)) {
      throw invalidArgument(
        `Unable to parse 'data': input '${place.input}' is ragged, arrays at depth ${depth} differ in length`,
        inputField(place.input, 'contents'),
      );
    }
    level = (level as readonly (readonly unknown[])[]).flat(1);
  }
  return level;
}

function holdsArray(level: readonly unknown[]): boolean {
  for (const item of level) if (Array.isArray(item)) return true;
  return false;
}

type Reader = (value: unknown, datatype: Datatype, place: InputPlace) => number | bigint | Buffer;

const READERS: Readonly<Record<'boolean' | 'integer' | 'big-integer' | 'float' | 'half' | 'text', Reader>> = {
  boolean(value, datatype, place) {
    if (value === true || value === 1) return 1;
    if (value === false || value === 0) return 0;
    throw wrongValue(value, datatype, 'true, false, 0 or 1', place);
  },
  integer(value, datatype, place) {
    const { min, max } = datatypeInfo(datatype);
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    throw wrongValue(value, datatype, `an integer from ${min} to ${max}`, place);
  },
  'big-integer'(value, datatype, place) {
    const { min, max } = BIG_BOUNDS[datatype as 'INT64' | 'UINT64'];
    if (typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value))) {
      const integer = BigInt(value);
      if (integer >= min && integer <= max) return integer;
    }
    throw wrongValue(value, datatype, `an integer from ${min} to ${max}`, place);
  },
  float(value, datatype, place) {
    if (typeof value === 'number' || typeof value === 'bigint') {
      const number = Number(value);
      if (datatype === 'FP64' || !Number.isFinite(number) || Number.isFinite(Math.fround(number))) return number;
    } else if (value === null || value === 'NaN') return Number.NaN;
    else if (value === 'Infinity') return Infinity;
    else if (value === '-Infinity') return -Infinity;
    throw wrongValue(value, datatype, 'a number in its range', place);
  },
  half() {
    throw new TypeError('16-bit floats are refused before their values are read');
  },
  text(value, datatype, place) {
    if (typeof value === 'string' && value.isWellFormed()) return Buffer.from(value, 'utf8');
    if (typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value))) {
      return Buffer.from(BigInt(value).toString(), 'latin1');
    }
    throw wrongValue(value, datatype, 'a string of well-formed Unicode', place);
  },
};

function wrongValue(value: unknown, datatype: Datatype, wanted: string, { input }: InputPlace) {
  return invalidArgument(
    `Unable to parse 'data': input '${input}' of datatype ${datatype} takes ${wanted}, got ${describe(value)}`,
    inputField(input, 'contents'),
  );
}

/** A short, printable form of an unexpected JSON value. */
function describe(value: unknown): string {
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = typeof value === 'string' ? JSON.stringify(value.toWellFormed()) : `${value as number | null}`;
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

/** Writes a tensor's elements as a flat JSON array, all digits of 64-bit integers included. */
export function encodeJsonData(tensor: Tensor, name: string, nonFinite: NonFinite = 'bare'): string {
  const { datatype, data } = tensor;
  switch (datatypeInfo(datatype).numbers) {
    case 'half':
      throw invalidArgument(
        `sending ${datatype} data via JSON is not supported. Please use the binary data format for output ${name}`,
      );
    case 'text':
      return `[${(data as readonly Buffer[]).map((element) => encodeText(element, name)).join(',')}]`;
    case 'boolean':
      return `[${Array.from(data as Uint8Array, (value) => value !== 0).join(',')}]`;
    case 'float':
      return encodeFloats(data as Float64Array, nonFinite);
    case 'integer':
    case 'big-integer':
      return `[${(data as Int32Array).join(',')}]`;
  }
}

function encodeText(element: Buffer, name: string): string {
  if (!isUtf8(element)) {
    throw invalidArgument(
      `output '${name}' holds bytes that are not UTF-8, which JSON cannot carry: request it with the parameter binary_data=true`,
    );
  }
  return JSON.stringify(element.toString('utf8'));
}

/** `JSON.stringify` is the fastest writer of doubles there is; where JSON has no word for a value, it leaves `null`. */
function encodeFloats(data: Float64Array, nonFinite: NonFinite): string {
  const values: number[] = [];
  const words: string[] = [];
  for (let value of data) {
    if (value === 0 ? Object.is(value, -0) : !Number.isFinite(value)) {
      words.push(value === 0 ? '-0.0' : nonFinite === 'null' ? 'null' : String(value));
      value = Number.NaN;
    }
    values.push(value);
  }
  const text = JSON.stringify(values);
  if (words.length === 0) return text;
  let next = 0;
  return text.replaceAll('null', () => words[next++] ?? 'null');
}

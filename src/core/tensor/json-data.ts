import { isUtf8 } from 'node:buffer';
import { invalidArgument } from '../errors/catalogue.js';
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
    );
  }
  const expected = countElements(shape, size, place);
  const flat = flatten(Array.isArray(value) ? value : [value], place);
  if (flat.length !== expected) throw wrongLength(flat.length, expected, shape, place);
  const read = READERS[numbers];
  if (Data === undefined) {
    return new Tensor(datatype, shape, Array.from(flat, (element) => read(element, datatype, place)) as never);
  }
  const data = new Data(expected) as Float64Array;
  for (let i = 0; i < expected; i++) data[i] = read(flat[i], datatype, place) as number;
  return new Tensor(datatype, shape, data as never);
}

function wrongLength(actual: number, expected: number, shape: Shape, { input }: InputPlace) {
  const claim =
    actual < expected
      ? "Failed to parse 'data' field: shape does not match true shape"
      : "Unable to parse 'data': Shape does not match true shape of 'data' field";
  return invalidArgument(
    `${claim}: input '${input}' has shape ${formatShape(shape)}, expected ${expected} elements, got ${actual}`,
  );
}

/** Flattens rectangular nesting row-major; a flat array is returned as it is. */
function flatten(data: readonly unknown[], place: InputPlace): readonly unknown[] {
  let level = data;
  for (let depth = 1; level.some(Array.isArray); depth++) {
    if (depth >= MAX_JSON_DEPTH) {
      throw invalidArgument(`JSON nesting depth exceeds maximum allowed limit (${MAX_JSON_DEPTH})`);
    }
    const width = Array.isArray(level[0]) ? level[0].length : -1;
    if (!level.every((item) => Array.isArray(item) && item.length === width)) {
      throw invalidArgument(
        `Unable to parse 'data': input '${place.input}' is ragged, arrays at depth ${depth} differ in length`,
      );
    }
    level = (level as readonly (readonly unknown[])[]).flat(1);
  }
  return level;
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
      return `[${joinFloats(data as Float64Array, nonFinite)}]`;
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

/** `join` writes NaN and Infinity bare; only -0 and the option `null` need an element by element look. */
function joinFloats(data: Float64Array, nonFinite: NonFinite): string {
  const plain = data.every((value) =>
    value === 0 ? !Object.is(value, -0) : nonFinite === 'bare' || Number.isFinite(value),
  );
  if (plain) return data.join(',');
  return Array.from(data, (value) =>
    Object.is(value, -0) ? '-0.0' : nonFinite === 'null' && !Number.isFinite(value) ? 'null' : String(value),
  ).join(',');
}

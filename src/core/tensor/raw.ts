import { invalidArgument } from '../errors/catalogue.js';
import { inputField } from '../errors/request-field.js';
import { type Datatype, DATATYPES, datatypeInfo, type NumericData } from './datatype.js';
import { countElements, type InputPlace } from './encoded-tensor.js';
import type { Shape } from './shape.js';
import { Tensor, viewBytes } from './tensor.js';

/** The little-endian codec of raw contents, binary bodies and shared memory. */

const LENGTH_BYTES = 4;

/** A view on raw bytes as a tensor; checks the byte size that datatype and shape ask for. */
export function decodeRaw(datatype: Datatype, shape: Shape, bytes: Uint8Array, place: InputPlace): Tensor {
  if (datatype === 'BYTES') {
    const count = countElements(shape, LENGTH_BYTES, place);
    return new Tensor(datatype, shape, splitElements(bytes, count, place));
  }
  const { size } = datatypeInfo(datatype);
  const expected = countElements(shape, size, place) * size;
  if (bytes.byteLength !== expected) {
    throw invalidArgument(
      `input byte size mismatch for input '${place.input}' for model '${place.model}'. Expected ${expected}, got ${bytes.byteLength}`,
      inputField(place.input, 'contents'),
    );
  }
  return new Tensor(datatype, shape, viewBytes(datatype, bytes));
}

/** Splits length-prefixed elements; each is a view, so arbitrary bytes pass unchanged. */
function splitElements(bytes: Uint8Array, count: number, { input, model }: InputPlace): Buffer[] {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const elements: Buffer[] = [];
  let offset = 0;
  while (offset < source.length) {
    const left = source.length - offset;
    if (left < LENGTH_BYTES) {
      throw invalidArgument(
        `incomplete string length indicator for inference input '${input}' for model '${model}', expecting ${LENGTH_BYTES} bytes but only ${left} bytes available`,
        inputField(input, 'contents'),
      );
    }
    const start = offset + LENGTH_BYTES;
    const length = source.readUInt32LE(offset);
    if (length > source.length - start) {
      throw invalidArgument(
        `incomplete string data for inference input '${input}' for model '${model}', expecting string of length ${length} but only ${source.length - start} bytes available`,
        inputField(input, 'contents'),
      );
    }
    if (elements.length === count) {
      throw invalidArgument(
        `unexpected number of string elements ${count + 1} for inference input '${input}' for model '${model}', expecting ${count}`,
        inputField(input, 'contents'),
      );
    }
    elements.push(source.subarray(start, start + length));
    offset = start + length;
  }
  if (elements.length < count) {
    throw invalidArgument(
      `expected ${count} string elements for inference input '${input}' for model '${model}', got ${elements.length}`,
      inputField(input, 'contents'),
    );
  }
  return elements;
}

/**
 * V8 keeps the contents of typed arrays up to this size in the object itself, and moves them into a buffer when anyone
 * asks for one, which takes as long as to encode the rest of a small response.
 */
const ON_HEAP_BYTES = 64;

const small = new ArrayBuffer(ON_HEAP_BYTES);
const smallBytes = Buffer.from(small);
const smallViews = new Map<unknown, NumericData>();
for (const { array: View } of Object.values(DATATYPES)) {
  if (View !== undefined) smallViews.set(View, new View(small, 0, ON_HEAP_BYTES / View.BYTES_PER_ELEMENT));
}

function copySmall(data: Uint8Array): Uint8Array {
  const view = smallViews.get(data.constructor);
  if (view === undefined) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  (view as Uint8Array).set(data);
  const bytes = Buffer.allocUnsafe(data.byteLength);
  smallBytes.copy(bytes, 0, 0, data.byteLength);
  return bytes;
}

/**
 * A tensor's raw bytes: a view on its data, or a copy of a few; but for BYTES, whose elements are joined behind their
 * lengths.
 */
export function encodeRaw(tensor: Tensor): Uint8Array {
  if (tensor.datatype !== 'BYTES') {
    const data = tensor.data as Uint8Array;
    if (data.byteLength <= ON_HEAP_BYTES) return copySmall(data);
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  const elements = tensor.data as readonly Buffer[];
  let length = 0;
  for (const element of elements) length += LENGTH_BYTES + element.byteLength;
  const joined = Buffer.allocUnsafe(length);
  let offset = 0;
  for (const element of elements) {
    offset = joined.writeUInt32LE(element.byteLength, offset);
    joined.set(element, offset);
    offset += element.byteLength;
  }
  return joined;
}

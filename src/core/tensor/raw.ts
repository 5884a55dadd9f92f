import { invalidArgument } from '../errors/catalogue.js';
import { type Datatype, datatypeInfo } from './datatype.js';
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
      );
    }
    const start = offset + LENGTH_BYTES;
    const length = source.readUInt32LE(offset);
    if (length > source.length - start) {
      throw invalidArgument(
        `incomplete string data for inference input '${input}' for model '${model}', expecting string of length ${length} but only ${source.length - start} bytes available`,
      );
    }
    if (elements.length === count) {
      throw invalidArgument(
        `unexpected number of string elements ${count + 1} for inference input '${input}' for model '${model}', expecting ${count}`,
      );
    }
    elements.push(source.subarray(start, start + length));
    offset = start + length;
  }
  if (elements.length < count) {
    throw invalidArgument(
      `expected ${count} string elements for inference input '${input}' for model '${model}', got ${elements.length}`,
    );
  }
  return elements;
}

/** A tensor's raw bytes: a view on its data, but for BYTES, whose elements are joined behind their lengths. */
export function encodeRaw(tensor: Tensor): Uint8Array {
  if (tensor.datatype !== 'BYTES') {
    const { buffer, byteOffset, byteLength } = tensor.data as Uint8Array;
    return new Uint8Array(buffer, byteOffset, byteLength);
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

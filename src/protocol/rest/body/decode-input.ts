import { invalidArgument } from '../../../core/errors/catalogue.js';
import type { Parameters } from '../../../core/inference/parameters.js';
import type { EncodedContents, EncodedTensor } from '../../../core/tensor/encoded-tensor.js';
import { MAX_ELEMENTS, type Shape } from '../../../core/tensor/shape.js';
import { readRegionSlice } from '../../call/shared-memory-parameters.js';
import {
  describeJson,
  fieldOf,
  type JsonObject,
  readArray,
  readName,
  readObject,
  readParameters,
  readText,
  wrongField,
} from './json-fields.js';

/** The bytes behind the JSON, handed out in the order of the inputs that claim them. */
export class BinaryTail {
  private offset = 0;

  constructor(
    private readonly bytes: Buffer,
    private readonly model: string,
  ) {}

  /** A view on the next bytes, for the input of that name. */
  take(size: number, input: string): Buffer {
    const missing = size - (this.bytes.length - this.offset);
    if (missing > 0) {
      throw invalidArgument(
        `unexpected size for input '${input}', expecting ${missing} additional bytes for model '${this.model}'`,
      );
    }
    this.offset += size;
    return this.bytes.subarray(this.offset - size, this.offset);
  }

  /** Refuses bytes that no input claimed. */
  finish(): void {
    const left = this.bytes.length - this.offset;
    if (left === 0) return;
    throw invalidArgument(
      `unexpected additional input data for model '${this.model}': ${left} bytes are left over behind the binary inputs`,
    );
  }
}

/** Reads one entry of `inputs`; `binary` is asked for its bytes when it says that they follow the JSON. */
export function decodeInput(value: unknown, binary: BinaryTail): EncodedTensor {
  const input = readObject(value, 'inputs', 'each of the inputs');
  const name = readName(fieldOf(input, 'name'), 'each of the inputs');
  const where = `input '${name}'`;
  const datatype = readText(fieldOf(input, 'datatype'), 'datatype', where);
  const shape = readShape(fieldOf(input, 'shape'), where);
  const parameters = readParameters(fieldOf(input, 'parameters'), where);
  const contents = readContents(input, parameters, name, shape, binary);
  const contentType = parameters.get('content_type');
  return { name, datatype, shape, contents, contentType: typeof contentType === 'string' ? contentType : undefined };
}

const readShape = (value: unknown, where: string): Shape =>
  readArray(value, 'shape', where).map((dimension) => readDimension(dimension, where));

function readDimension(dimension: unknown, where: string): number {
  if (typeof dimension !== 'number' && typeof dimension !== 'bigint') throw notInteger(dimension, where);
  if (dimension < 0) {
    throw invalidArgument(
      `Unable to parse 'shape': attempt to access JSON non-unsigned-integer as unsigned-integer, ${where} has dimension ${dimension}`,
    );
  }
  if (dimension > MAX_ELEMENTS) {
    throw invalidArgument(
      `Unable to parse 'shape': dimension ${dimension} of ${where} causes total element count to exceed maximum size of ${MAX_ELEMENTS}`,
    );
  }
  const integer = Number(dimension);
  if (!Number.isInteger(integer)) throw notInteger(dimension, where);
  return integer;
}

const notInteger = (dimension: unknown, where: string) =>
  wrongField('shape', `a dimension of ${where} must be an integer`, dimension);

function readContents(
  input: JsonObject,
  parameters: Parameters,
  name: string,
  shape: Shape,
  binary: BinaryTail,
): EncodedContents {
  const where = `input '${name}'`;
  const data = fieldOf(input, 'data');
  const size = parameters.get('binary_data_size');
  const slice = parameters.size === 0 ? undefined : readRegionSlice(parameters, name, 'inputs');
  if (+(data !== undefined) + +(size !== undefined) + +(slice !== undefined) > 1) {
    throw oneField('more than one field is set', where);
  }
  if (slice !== undefined) return { kind: 'shared', slice };
  if (data !== undefined) return { kind: 'json', value: data };
  if (size !== undefined) return { kind: 'raw', bytes: binary.take(readSize(size, where), name) };
  // An empty tensor has no data to send.
  if (shape.includes(0)) return { kind: 'none' };
  throw oneField('no field is set', where);
}

function readSize(size: unknown, where: string): number {
  if (typeof size === 'number' && Number.isSafeInteger(size) && size >= 0) return size;
  throw invalidArgument(
    `Unable to parse 'binary_data_size': ${where} must have an integer >= 0 there, got ${describeJson(size)}`,
  );
}

const oneField = (problem: string, where: string) =>
  invalidArgument(
    `Input must set only one of the following fields: 'data', 'binary_data_size' in 'parameters', 'shared_memory_region' in 'parameters'. But ${problem} for ${where}`,
  );

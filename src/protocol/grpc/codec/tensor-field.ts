import type { OutputTensor } from '../../../core/inference/response.js';
import type { InferInputTensor } from '../messages.js';
import {
  delimited,
  measureParameter,
  type MeasuredParameter,
  parameterMap,
  readParameter,
  varint,
  writeParameter,
} from './parameter-field.js';
import { readTensorContents } from './typed-contents.js';
import type { WireReader } from './wire-reader.js';
import { fieldSize, varintSize, type WireWriter } from './wire-writer.js';

/** The number of the field that holds the tensors: the inputs of a request, the outputs of a response. */
const TENSORS = 5;

/** Reads an InferInputTensor or an InferOutputTensor: the two are laid out alike. */
export function readTensor(reader: WireReader): InferInputTensor {
  const shape: (number | bigint)[] = [];
  const tensor: { -readonly [K in keyof InferInputTensor]: InferInputTensor[K] } = {
    name: undefined,
    datatype: undefined,
    shape,
    parameters: undefined,
    contents: undefined,
  };
  while (!reader.done) {
    const tag = reader.uint32();
    switch (tag) {
      case delimited(1):
        tensor.name = reader.string();
        break;
      case delimited(2):
        tensor.datatype = reader.string();
        break;
      case varint(3):
        shape.push(reader.int64());
        break;
      case delimited(3):
        for (const dimensions = reader.message(); !dimensions.done;) shape.push(dimensions.int64());
        break;
      case delimited(4):
        readParameter(reader.message(), (tensor.parameters ??= parameterMap()));
        break;
      case delimited(5):
        tensor.contents = readTensorContents(reader.message());
        break;
      default:
        reader.skip(tag & 7);
    }
  }
  return tensor;
}

export interface MeasuredTensor {
  readonly tensor: OutputTensor;
  readonly nameLength: number;
  readonly shapeLength: number;
  /** Undefined for a tensor without. */
  readonly contentType: MeasuredParameter | undefined;
  readonly size: number;
}

/** A named tensor whose contents go with the message, raw. */
export function measureTensor(tensor: OutputTensor): MeasuredTensor {
  const { datatype, shape } = tensor.tensor;
  const nameLength = Buffer.byteLength(tensor.name);
  const shapeLength = sum(shape, varintSize);
  const contentType =
    tensor.contentType === undefined ? undefined : measureParameter(['content_type', tensor.contentType]);
  const size =
    optionalSize(nameLength) +
    fieldSize(datatype.length) +
    optionalSize(shapeLength) +
    (contentType === undefined ? 0 : fieldSize(contentType.size));
  return { tensor, nameLength, shapeLength, contentType, size };
}

export function writeTensor(writer: WireWriter, measured: MeasuredTensor): void {
  const { tensor, nameLength, shapeLength, contentType, size } = measured;
  const { datatype, shape } = tensor.tensor;
  writer.header(TENSORS, size);
  writeText(writer, 1, tensor.name, nameLength);
  writer.stringField(2, datatype, datatype.length);
  if (shapeLength > 0) {
    writer.header(3, shapeLength);
    for (const dimension of shape) writer.varint(dimension);
  }
  if (contentType !== undefined) writeParameter(writer, contentType);
}

export const sum = <T>(items: readonly T[], size: (item: T) => number): number =>
  items.reduce((total, item) => total + size(item), 0);

/** A field that has its default is left out. */
export const optionalSize = (length: number): number => (length === 0 ? 0 : fieldSize(length));

export function writeText(writer: WireWriter, field: number, text: string, length: number): void {
  if (length > 0) writer.stringField(field, text, length);
}

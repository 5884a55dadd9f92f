import type { ParameterValue } from '../../../core/inference/parameters.js';
import type { InferenceResponse, OutputTensor } from '../../../core/inference/response.js';
import { encodeRaw } from '../../../core/tensor/raw.js';
import { isUnsigned64, isWhole } from '../parameters.js';
import { bigVarintSize, fieldSize, varintSize, WireWriter } from './wire-writer.js';

/**
 * Writes a ModelInferResponse in one buffer of the right size. Contents are always raw: Triton's clients read no
 * typed numbers. A field that has its default is left out.
 */
export function encodeModelInferResponse(response: InferenceResponse): Buffer {
  const contents = response.outputs.map(({ tensor }) => encodeRaw(tensor));
  const outputs = response.outputs.map(measureOutput);
  const texts = [response.model, response.version, response.id].map((text) => Buffer.byteLength(text));
  const parameters = [...response.parameters].map(measureParameter);
  const writer = new WireWriter(
    sum(texts, optionalSize) +
      sum(parameters, ({ size }) => fieldSize(size)) +
      sum(outputs, ({ size }) => fieldSize(size)) +
      sum(contents, ({ byteLength }) => fieldSize(byteLength)),
  );
  writeText(writer, 1, response.model, texts[0] ?? 0);
  writeText(writer, 2, response.version, texts[1] ?? 0);
  writeText(writer, 3, response.id, texts[2] ?? 0);
  for (const parameter of parameters) writeParameter(writer, parameter);
  for (const output of outputs) writeOutput(writer, output);
  for (const bytes of contents) writer.bytesField(6, bytes);
  return writer.bytes;
}

const sum = <T>(items: readonly T[], size: (item: T) => number): number =>
  items.reduce((total, item) => total + size(item), 0);

const optionalSize = (length: number): number => (length === 0 ? 0 : fieldSize(length));

function writeText(writer: WireWriter, field: number, text: string, length: number): void {
  if (length > 0) writer.stringField(field, text, length);
}

interface MeasuredOutput {
  readonly output: OutputTensor;
  readonly nameLength: number;
  readonly shapeLength: number;
  readonly size: number;
}

function measureOutput(output: OutputTensor): MeasuredOutput {
  const { datatype, shape } = output.tensor;
  const nameLength = Buffer.byteLength(output.name);
  const shapeLength = sum(shape, varintSize);
  const size = optionalSize(nameLength) + fieldSize(datatype.length) + optionalSize(shapeLength);
  return { output, nameLength, shapeLength, size };
}

function writeOutput(writer: WireWriter, { output, nameLength, shapeLength, size }: MeasuredOutput): void {
  const { datatype, shape } = output.tensor;
  writer.header(5, size);
  writeText(writer, 1, output.name, nameLength);
  writer.stringField(2, datatype, datatype.length);
  if (shapeLength === 0) return;
  writer.header(3, shapeLength);
  for (const dimension of shape) writer.varint(dimension);
}

interface MeasuredParameter {
  readonly name: string;
  readonly nameLength: number;
  readonly value: ParameterValue;
  readonly valueSize: number;
  readonly size: number;
}

function measureParameter([name, value]: readonly [string, ParameterValue]): MeasuredParameter {
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

function writeParameter(writer: WireWriter, { name, nameLength, value, valueSize, size }: MeasuredParameter): void {
  writer.header(4, size);
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

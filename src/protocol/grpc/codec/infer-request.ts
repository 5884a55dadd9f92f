import type { InferenceRequest, RequestedOutput } from '../../../core/inference/request.js';
import { encodeRaw } from '../../../core/tensor/raw.js';
import type { Tensor } from '../../../core/tensor/tensor.js';
import type { InferInputTensor, ModelInferRequest, RequestedOutputTensor } from '../messages.js';
import {
  delimited,
  type MeasuredParameter,
  measureParameter,
  parameterMap,
  readParameter,
  writeParameter,
} from './parameter-field.js';
import { measureTensor, optionalSize, readTensor, sum, writeTensor, writeText } from './tensor-field.js';
import { WireReader } from './wire-reader.js';
import { fieldSize, WireWriter } from './wire-writer.js';

/**
 * Reads a ModelInferRequest: raw contents and BYTES elements are views on the message, typed contents become typed
 * arrays, unknown fields are stepped over. Throws for bytes that are no such message.
 */
export function decodeModelInferRequest(bytes: Buffer): ModelInferRequest {
  const reader = new WireReader(bytes);
  const inputs: InferInputTensor[] = [];
  const outputs: RequestedOutputTensor[] = [];
  const raw_input_contents: Buffer[] = [];
  // With every field: one that is missing would be looked for on `Object.prototype`.
  const message: Writable<ModelInferRequest> = {
    model_name: undefined,
    model_version: undefined,
    id: undefined,
    parameters: undefined,
    inputs,
    outputs,
    raw_input_contents,
  };
  while (!reader.done) {
    const tag = reader.uint32();
    switch (tag) {
      case delimited(1):
        message.model_name = reader.string();
        break;
      case delimited(2):
        message.model_version = reader.string();
        break;
      case delimited(3):
        message.id = reader.string();
        break;
      case delimited(4):
        readParameter(reader.message(), (message.parameters ??= parameterMap()));
        break;
      case delimited(5):
        inputs.push(readTensor(reader.message()));
        break;
      case delimited(6):
        outputs.push(readOutput(reader.message()));
        break;
      case delimited(7):
        raw_input_contents.push(reader.slice());
        break;
      default:
        reader.skip(tag & 7);
    }
  }
  return message;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function readOutput(reader: WireReader): RequestedOutputTensor {
  const output: Writable<RequestedOutputTensor> = { name: undefined, parameters: undefined };
  while (!reader.done) {
    const tag = reader.uint32();
    if (tag === delimited(1)) output.name = reader.string();
    else if (tag === delimited(2)) readParameter(reader.message(), (output.parameters ??= parameterMap()));
    else reader.skip(tag & 7);
  }
  return output;
}

/**
 * Writes a ModelInferRequest in one buffer of the right size, as a client does. Contents are always raw: every server
 * takes them, for every datatype. A field that has its default is left out.
 */
export function encodeModelInferRequest(request: InferenceRequest): Buffer {
  const tensors = Object.entries(request.inputs as Readonly<Record<string, Tensor | undefined>>).flatMap(
    ([name, tensor]) => (tensor === undefined ? [] : [{ name, tensor }]),
  );
  const contents = tensors.map(({ tensor }) => encodeRaw(tensor));
  const inputs = tensors.map(measureTensor);
  const outputs = request.outputs.map(measureOutput);
  const texts = [request.model, request.version, request.id].map((text) => Buffer.byteLength(text));
  const parameters = [...request.parameters].map(measureParameter);
  const writer = new WireWriter(
    sum(texts, optionalSize) +
      sum(parameters, ({ size }) => fieldSize(size)) +
      sum(inputs, ({ size }) => fieldSize(size)) +
      sum(outputs, ({ size }) => fieldSize(size)) +
      sum(contents, ({ byteLength }) => fieldSize(byteLength)),
  );
  writeText(writer, 1, request.model, texts[0] ?? 0);
  writeText(writer, 2, request.version, texts[1] ?? 0);
  writeText(writer, 3, request.id, texts[2] ?? 0);
  for (const parameter of parameters) writeParameter(writer, parameter);
  for (const input of inputs) writeTensor(writer, input);
  for (const output of outputs) writeOutput(writer, output);
  for (const bytes of contents) writer.bytesField(7, bytes);
  return writer.bytes;
}

interface MeasuredOutput {
  readonly name: string;
  readonly nameLength: number;
  readonly parameters: readonly MeasuredParameter[];
  readonly size: number;
}

function measureOutput({ name, parameters: values }: RequestedOutput): MeasuredOutput {
  const nameLength = Buffer.byteLength(name);
  const parameters = [...values].map(measureParameter);
  return {
    name,
    nameLength,
    parameters,
    size: optionalSize(nameLength) + sum(parameters, ({ size }) => fieldSize(size)),
  };
}

function writeOutput(writer: WireWriter, { name, nameLength, parameters, size }: MeasuredOutput): void {
  writer.header(6, size);
  writeText(writer, 1, name, nameLength);
  for (const parameter of parameters) writeParameter(writer, parameter, 2);
}

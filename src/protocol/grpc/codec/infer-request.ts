import type {
  InferInputTensor,
  InferParameter,
  ModelInferRequest,
  ParameterMap,
  RequestedOutputTensor,
} from '../messages.js';
import { readTensorContents } from './typed-contents.js';
import { FIXED64, LENGTH_DELIMITED, VARINT, WireReader } from './wire-reader.js';

/**
 * Reads a ModelInferRequest: raw contents and BYTES elements are views on the message, typed contents become typed
 * arrays, unknown fields are stepped over. Throws for bytes that are no such message.
 */
export function decodeModelInferRequest(bytes: Buffer): ModelInferRequest {
  const reader = new WireReader(bytes);
  const inputs: InferInputTensor[] = [];
  const outputs: RequestedOutputTensor[] = [];
  const raw_input_contents: Buffer[] = [];
  const message: Writable<ModelInferRequest> = { inputs, outputs, raw_input_contents };
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
        inputs.push(readInput(reader.message()));
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

/** The tag of a length-delimited field. */
const delimited = (field: number): number => (field << 3) | LENGTH_DELIMITED;
const varint = (field: number): number => (field << 3) | VARINT;

function readInput(reader: WireReader): InferInputTensor {
  const shape: (number | bigint)[] = [];
  const input: Writable<InferInputTensor> = { shape };
  while (!reader.done) {
    const tag = reader.uint32();
    switch (tag) {
      case delimited(1):
        input.name = reader.string();
        break;
      case delimited(2):
        input.datatype = reader.string();
        break;
      case varint(3):
        shape.push(reader.int64());
        break;
      case delimited(3):
        for (const dimensions = reader.message(); !dimensions.done;) shape.push(dimensions.int64());
        break;
      case delimited(4):
        readParameter(reader.message(), (input.parameters ??= parameterMap()));
        break;
      case delimited(5):
        input.contents = readTensorContents(reader.message());
        break;
      default:
        reader.skip(tag & 7);
    }
  }
  return input;
}

function readOutput(reader: WireReader): RequestedOutputTensor {
  const output: Writable<RequestedOutputTensor> = {};
  while (!reader.done) {
    const tag = reader.uint32();
    if (tag === delimited(1)) output.name = reader.string();
    else if (tag === delimited(2)) readParameter(reader.message(), (output.parameters ??= parameterMap()));
    else reader.skip(tag & 7);
  }
  return output;
}

type WritableMap = Record<string, InferParameter>;

/** Without a prototype, so that a parameter may be called `__proto__`. */
const parameterMap = (): WritableMap => Object.create(null) as WritableMap;

/** One entry of a map: its key and its value, either of which may be left out. */
function readParameter(entry: WireReader, map: ParameterMap): void {
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

import type { Parameters } from '../../../core/inference/parameters.js';
import { type InferenceResponse, type OutputTensor, PlacedOutput } from '../../../core/inference/response.js';
import type { EncodedContents, EncodedTensor } from '../../../core/tensor/encoded-tensor.js';
import { encodeRaw } from '../../../core/tensor/raw.js';
import type { InferInputTensor } from '../messages.js';
import { decodeParameters } from '../parameters.js';
import {
  delimited,
  measureParameter,
  type MeasuredParameter,
  parameterMap,
  readParameter,
  writeParameter,
} from './parameter-field.js';
import { measureTensor, optionalSize, readTensor, sum, writeTensor, writeText } from './tensor-field.js';
import { filledFields } from './typed-contents.js';
import { WireReader } from './wire-reader.js';
import { fieldSize, WireWriter } from './wire-writer.js';

/**
 * Writes a ModelInferResponse in one buffer of the right size. Contents are raw: Triton's clients read no typed numbers.
 * A field that has its default is left out.
 */
export function encodeModelInferResponse(response: InferenceResponse): Buffer {
  const contents = response.outputs.map(encodeContents);
  const outputs = response.outputs.map(measureTensor);
  const texts = measureTexts(response);
  const parameters = [...response.parameters].map(measureParameter);
  const writer = new WireWriter(
    headSize(texts, parameters) +
      sum(outputs, ({ size }) => fieldSize(size)) +
      sum(contents, ({ byteLength }) => fieldSize(byteLength)),
  );
  writeHead(writer, response, texts, parameters);
  for (const output of outputs) writeTensor(writer, output);
  for (const bytes of contents) writer.bytesField(6, bytes);
  return writer.bytes;
}

/** The lengths of the texts that stand before the outputs. */
export const measureTexts = ({ model, version, id }: InferenceResponse): readonly number[] =>
  [model, version, id].map((text) => Buffer.byteLength(text));

export const headSize = (texts: readonly number[], parameters: readonly MeasuredParameter[]): number =>
  sum(texts, optionalSize) + sum(parameters, ({ size }) => fieldSize(size));

export function writeHead(
  writer: WireWriter,
  { model, version, id }: InferenceResponse,
  texts: readonly number[],
  parameters: readonly MeasuredParameter[],
): void {
  writeText(writer, 1, model, texts[0] ?? 0);
  writeText(writer, 2, version, texts[1] ?? 0);
  writeText(writer, 3, id, texts[2] ?? 0);
  for (const parameter of parameters) writeParameter(writer, parameter);
}

/** An output that is in place has an empty entry, so that the others keep theirs. */
const encodeContents = (output: OutputTensor): Uint8Array =>
  output instanceof PlacedOutput ? NOTHING : encodeRaw(output.tensor);

const NOTHING = new Uint8Array();

/** A response as a client gets it: its tensors are still encoded, and unchecked. */
export interface EncodedResponse {
  readonly model: string;
  readonly version: string;
  readonly id: string;
  readonly parameters: Parameters;
  readonly outputs: readonly EncodedTensor[];
}

/**
 * Reads a ModelInferResponse as a client does: raw contents and BYTES elements are views on the message, typed contents
 * become typed arrays, unknown fields are stepped over. Throws for bytes that are no such message.
 */
export function decodeModelInferResponse(bytes: Buffer): EncodedResponse {
  const reader = new WireReader(bytes);
  const texts = ['', '', '', ''];
  const parameters = parameterMap();
  const outputs: InferInputTensor[] = [];
  const raw: Buffer[] = [];
  while (!reader.done) {
    const tag = reader.uint32();
    switch (tag) {
      case delimited(1):
      case delimited(2):
      case delimited(3):
        texts[tag >>> 3] = reader.string();
        break;
      case delimited(4):
        readParameter(reader.message(), parameters);
        break;
      case delimited(5):
        outputs.push(readTensor(reader.message()));
        break;
      case delimited(6):
        raw.push(reader.slice());
        break;
      default:
        reader.skip(tag & 7);
    }
  }
  const [, model = '', version = '', id = ''] = texts;
  return {
    model,
    version,
    id,
    parameters: decodeParameters(parameters, 'the response'),
    outputs: outputs.map((output, index) => toEncodedTensor(output, raw[index])),
  };
}

/** Typed contents count where a tensor has them: then the server writes no raw ones, or leaves their entry empty. */
function toEncodedTensor(
  { name = '', datatype = '', shape = [], contents }: InferInputTensor,
  raw: Buffer | undefined,
) {
  const fields = filledFields(contents ?? {});
  const encoded: EncodedContents =
    fields.length > 0 ? { kind: 'typed', fields } : raw === undefined ? { kind: 'none' } : { kind: 'raw', bytes: raw };
  return { name, datatype, shape: shape.map(Number), contents: encoded };
}

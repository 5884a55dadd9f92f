import { type InferenceResponse, type OutputTensor, PlacedOutput } from '../../../core/inference/response.js';
import { datatypeInfo, type TypedField } from '../../../core/tensor/datatype.js';
import { encodeRaw } from '../../../core/tensor/raw.js';
import type { Tensor } from '../../../core/tensor/tensor.js';
import { encodeModelInferResponse, headSize, measureTexts, writeHead } from './infer-response.js';
import { measureParameter } from './parameter-field.js';
import { measureTensor, sum, writeTensor } from './tensor-field.js';
import { packVarints } from './pack-varints.js';
import { fieldSize, WireWriter } from './wire-writer.js';

/** A response whose caller reads typed contents: `InferTensorContents` of each output, and nothing raw. */
export class TypedResponse implements InferenceResponse {
  readonly model: string;
  readonly version: string;
  readonly id: string;
  readonly parameters: InferenceResponse['parameters'];
  readonly outputs: readonly OutputTensor[];

  constructor({ model, version, id, parameters, outputs }: InferenceResponse) {
    this.model = model;
    this.version = version;
    this.id = id;
    this.parameters = parameters;
    this.outputs = outputs;
  }
}

/** Writes a ModelInferResponse as its caller reads it. */
export const encodeEitherResponse = (response: InferenceResponse): Buffer =>
  response instanceof TypedResponse ? encodeTypedResponse(response) : encodeModelInferResponse(response);

/** Writes a ModelInferResponse with typed contents in one buffer of the right size. */
export function encodeTypedResponse(response: InferenceResponse): Buffer {
  const texts = measureTexts(response);
  const parameters = [...response.parameters].map(measureParameter);
  const outputs = response.outputs.map((output) => {
    const contents = output instanceof PlacedOutput ? NOTHING : contentsOf(output.tensor);
    const length = sum(contents.parts, ({ byteLength }) => fieldSize(byteLength));
    const measured = measureTensor(output);
    return { contents, length, measured: { ...measured, size: measured.size + optionalMessage(length) } };
  });
  const writer = new WireWriter(headSize(texts, parameters) + sum(outputs, ({ measured }) => fieldSize(measured.size)));
  writeHead(writer, response, texts, parameters);
  for (const { contents, length, measured } of outputs) {
    writeTensor(writer, measured);
    if (length > 0) writer.header(CONTENTS, length);
    for (const part of contents.parts) writer.bytesField(contents.field, part);
  }
  return writer.bytes;
}

/** The field of an output that holds its contents. */
const CONTENTS = 5;

const optionalMessage = (length: number): number => (length === 0 ? 0 : fieldSize(length));

/** What stands in a field of `InferTensorContents`: a packed list, or the elements of BYTES one by one. */
interface Contents {
  readonly field: number;
  readonly parts: readonly Uint8Array[];
}

const NOTHING: Contents = { field: 0, parts: [] };

const FIELD_NUMBERS: Readonly<Record<TypedField, number>> = {
  bool_contents: 1,
  int_contents: 2,
  int64_contents: 3,
  uint_contents: 4,
  uint64_contents: 5,
  fp32_contents: 6,
  fp64_contents: 7,
  bytes_contents: 8,
};

/** FP16 and BF16 have no field of their own: their raw bytes are one entry of the bytes, as they are in requests. */
function contentsOf(tensor: Tensor): Contents {
  if (tensor.data.length === 0) return NOTHING;
  const { numbers, field = 'bytes_contents' } = datatypeInfo(tensor.datatype);
  const number = FIELD_NUMBERS[field];
  if (numbers === 'text') return { field: number, parts: tensor.data as readonly Buffer[] };
  return {
    field: number,
    parts: [numbers === 'float' || numbers === 'half' ? encodeRaw(tensor) : packVarints(tensor)],
  };
}

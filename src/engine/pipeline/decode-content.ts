import { isUtf8 } from 'node:buffer';
import { invalidArgument } from '../../core/errors/catalogue.js';
import { inputField } from '../../core/errors/request-field.js';
import type { EncodedRequest } from '../../core/inference/request.js';
import type { ServedModel } from '../../core/inference/served-model.js';
import { type ContentType, isContentType } from '../../core/model/content-types.js';
import type { NamedSpec } from '../../core/model/signature.js';
import type { EncodedTensor } from '../../core/tensor/encoded-tensor.js';
import { formatShape, type Shape } from '../../core/tensor/shape.js';
import { Tensor } from '../../core/tensor/tensor.js';

/** The parameter of requests, inputs and outputs that names a content type. */
export const CONTENT_TYPE = 'content_type';

/** What an input means: the caller's word, the declaration's, that of the request, the model's. Unknown words do not count. */
export const contentTypeOf = (
  { contentType: said }: EncodedTensor,
  { contentType: declared }: NamedSpec,
  model: ServedModel,
  request: EncodedRequest,
): ContentType | undefined =>
  [said, declared, request.parameters.get(CONTENT_TYPE), model.contentType].find(isContentType);

/** A column may come with or without a last dimension of 1, which encoders of MLServer add. */
export function inRankOf({ shape: wanted }: NamedSpec, shape: Shape): Shape {
  const last = wanted.at(-1) ?? 0;
  if (wanted.length === 2 && shape.length === 1 && (last === 1 || last === -1)) return [...shape, 1];
  return wanted.length === 1 && shape.length === 2 && shape[1] === 1 ? shape.slice(0, 1) : shape;
}

/** Reads the elements as the content type says. Throws `invalid-argument` for one that is none. */
export function decodeContent(tensor: Tensor, contentType: ContentType, input: string): Tensor {
  const read = READERS[contentType];
  if (read === undefined || tensor.datatype !== 'BYTES') return tensor;
  const elements = (tensor.data as readonly Buffer[]).map((element, index) => {
    const value = read(element);
    if (value !== undefined) return value;
    throw invalidArgument(
      `input '${input}' has content type ${contentType}, but its element ${index} is none`,
      inputField(input, 'contents'),
    );
  });
  return new Tensor('BYTES', tensor.shape, elements);
}

/** Columns of one table have the same number of rows. */
export function checkRows(inputs: readonly EncodedTensor[]): void {
  const [first] = inputs;
  const other = inputs.find(({ shape }) => shape[0] !== first?.shape[0]);
  if (first === undefined || other === undefined) return;
  throw invalidArgument(
    `content type pd: input '${first.name}' has shape ${formatShape(first.shape)}, input '${other.name}' ${formatShape(other.shape)}: send the same number of rows`,
    inputField(other.name, 'shape'),
  );
}

type Reader = (element: Buffer) => Buffer | undefined;

const READERS: Readonly<Partial<Record<ContentType, Reader>>> = {
  str: (element) => (isUtf8(element) ? element : undefined),
  datetime: (element) => (isDate(element.toString('latin1')) ? element : undefined),
  base64(element) {
    const text = element.toString('latin1');
    return BASE64.test(text) && text.length % 4 === 0 ? Buffer.from(text, 'base64') : undefined;
  },
};

const BASE64 = /^[A-Za-z\d+/]*={0,2}$/;
const DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;

const isDate = (text: string): boolean => DATE.test(text) && !Number.isNaN(Date.parse(text));

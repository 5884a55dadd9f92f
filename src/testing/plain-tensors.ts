import { parseJsonExactly } from '../core/json/parse-json.js';
import { isDatatype } from '../core/tensor/datatype.js';
import { decodeJsonData, encodeJsonData } from '../core/tensor/json-data.js';
import type { Shape } from '../core/tensor/shape.js';
import type { Tensor } from '../core/tensor/tensor.js';

/** Numbers, texts and booleans, nested as deep as the tensor has dimensions. */
export type PlainTensor = PlainValue | readonly PlainTensor[];
export type PlainValue = number | bigint | string | boolean | null;
export type PlainTensors = Readonly<Record<string, PlainTensor>>;

/** The shape that the nesting spells out. */
export function shapeOf(plain: PlainTensor): number[] {
  const shape: number[] = [];
  for (let level: PlainTensor | undefined = plain; Array.isArray(level); level = (level as readonly PlainTensor[])[0]) {
    shape.push(level.length);
  }
  return shape;
}

export function toTensor(datatype: string, plain: PlainTensor, name: string): Tensor {
  if (!isDatatype(datatype)) throw new TypeError(`'${name}' has no known datatype: ${datatype}`);
  return decodeJsonData(datatype, shapeOf(plain), plain, { input: name, model: 'under test' });
}

export const toPlain = (tensor: Tensor, name: string): PlainTensor =>
  nest(parseJsonExactly(encodeJsonData(tensor, name)) as readonly PlainValue[], tensor.shape);

/** Gives a flat list the nesting of its shape. */
export function nest(flat: readonly PlainTensor[], shape: Shape): PlainTensor {
  const [outer, ...inner] = shape;
  if (outer === undefined) return flat[0] ?? null;
  if (inner.length === 0) return flat;
  const stride = inner.reduce((product, dimension) => product * dimension, 1);
  return Array.from({ length: outer }, (_, index) => nest(flat.slice(index * stride, (index + 1) * stride), inner));
}

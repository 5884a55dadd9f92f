import { datatypeInfo } from './datatype.js';
import type { TensorSpec } from './kinds.js';
import { elementCount } from './shape.js';
import { Tensor } from './tensor.js';

/** A tensor that fits the declaration: of size 1 wherever any size will do, all zeros, or empty texts. */
export function zeros({ datatype, shape }: TensorSpec): Tensor {
  const concrete = shape.map((dimension) => (dimension === -1 ? 1 : dimension));
  const length = elementCount(concrete) ?? 0;
  const { array: Data } = datatypeInfo(datatype);
  const data = Data === undefined ? Array.from({ length }, () => Buffer.alloc(0)) : new Data(length);
  return new Tensor(datatype, concrete, data);
}

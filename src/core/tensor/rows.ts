import { type Datatype, datatypeInfo, type NumericData } from './datatype.js';
import { Tensor } from './tensor.js';

/** Batches: tensors put one behind the other along their first dimension, and taken apart again. */

/** The rows of all tensors, in their order. Shapes are equal but for the first dimension; throws for no tensor at all. */
export function concatRows(tensors: readonly Tensor[]): Tensor {
  const [first] = tensors;
  if (first === undefined) throw new RangeError('there are no tensors to put together');
  if (tensors.length === 1) return first;
  const { datatype } = first;
  const rows = tensors.reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0);
  const shape = [rows, ...first.shape.slice(1)];
  if (datatype === 'BYTES') {
    return new Tensor(
      datatype,
      shape,
      tensors.flatMap(({ data }) => data as readonly Buffer[]),
    );
  }
  const data = newData(
    datatype,
    tensors.reduce((sum, { data: part }) => sum + part.length, 0),
  );
  let start = 0;
  for (const { data: part } of tensors) {
    (data as Uint8Array).set(part as Uint8Array, start);
    start += part.length;
  }
  return new Tensor(datatype, shape, data);
}

/** The rows from `start` up to `end`, as a view on the tensor's data. */
export const sliceRows = (tensor: Tensor, start: number, end: number): Tensor => rowsIn(tensor)(start, end);

/** Takes many parts of one tensor, each as {@link sliceRows} does. */
export function rowsIn({ datatype, shape, data }: Tensor): (start: number, end: number) => Tensor {
  const [rows = 0, ...rest] = shape;
  const width = rows === 0 ? 0 : data.length / rows;
  const single = [1, ...rest];
  return (start, end) => {
    if (start < 0 || end < start || end > rows) throw new RangeError(`rows ${start} to ${end} of ${rows} are none`);
    const part =
      datatype === 'BYTES'
        ? (data as readonly Buffer[]).slice(start * width, end * width)
        : (data as NumericData).subarray(start * width, end * width);
    return new Tensor(datatype, end - start === 1 ? single : [end - start, ...rest], part);
  };
}

function newData(datatype: Datatype, length: number): NumericData {
  const { array: Data } = datatypeInfo(datatype);
  if (Data === undefined) throw new TypeError(`${datatype} has no element array`);
  return new Data(length);
}

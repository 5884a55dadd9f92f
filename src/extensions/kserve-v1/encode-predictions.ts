import type { InferenceResponse, OutputTensor } from '../../core/inference/response.js';
import { encodeJsonData, type NonFinite } from '../../core/tensor/json-data.js';
import { sliceRows } from '../../core/tensor/rows.js';
import { Tensor } from '../../core/tensor/tensor.js';
import type { ReplyWriter } from '../../protocol/rest/codec/reply-writer.js';

/** Large predictions are written in a thread, by this module's {@link writeReply}. */
export const predicted = { module: import.meta.url, writeReply } satisfies ReplyWriter;

/**
 * Writes a response as `predictions`, nested as the shapes say: those of the only output, or an object of all outputs for
 * each row; where the outputs differ in their number of rows, one object. Throws `invalid-argument` for what JSON cannot
 * carry.
 */
export function writeReply({ outputs }: InferenceResponse, nonFinite: NonFinite): string {
  return `{"predictions":${predictionsOf(outputs, nonFinite)}}`;
}

function predictionsOf(outputs: readonly OutputTensor[], nonFinite: NonFinite): string {
  const [first, second] = outputs;
  if (first !== undefined && second === undefined) return nested(first.tensor, first.name, nonFinite);
  const rows = first?.tensor.shape[0];
  const named = outputs.map(({ name }) => `${JSON.stringify(name)}:`);
  if (rows === undefined || outputs.some(({ tensor }) => tensor.shape[0] !== rows)) {
    return `{${outputs.map(({ name, tensor }, index) => named[index] + nested(tensor, name, nonFinite)).join(',')}}`;
  }
  const columns = outputs.map(({ name, tensor }) => rowsOf(tensor).map((row) => nested(row, name, nonFinite)));
  const objects = Array.from({ length: rows }, (_, row) => {
    const fields = columns.map((column, index) => `${named[index]}${column[row]}`);
    return `{${fields.join(',')}}`;
  });
  return `[${objects.join(',')}]`;
}

function nested(tensor: Tensor, name: string, nonFinite: NonFinite): string {
  if (tensor.shape.length > 1)
    return `[${rowsOf(tensor)
      .map((row) => nested(row, name, nonFinite))
      .join(',')}]`;
  const flat = encodeJsonData(tensor, name, nonFinite);
  return tensor.shape.length === 0 ? flat.slice(1, -1) : flat;
}

function rowsOf(tensor: Tensor): Tensor[] {
  const { datatype, shape } = tensor;
  const [rows = 0, ...rest] = shape;
  return Array.from({ length: rows }, (_, row) => new Tensor(datatype, rest, sliceRows(tensor, row, row + 1).data));
}

import type { InferenceRequest } from '../../../core/inference/request.js';
import type { OutputTensor } from '../../../core/inference/response.js';
import { concatRows, rowsIn } from '../../../core/tensor/rows.js';
import { type NamedTensors, namedTensors, type Tensor } from '../../../core/tensor/tensor.js';
import { broken } from '../../execution/outputs.js';
import { kindOf } from './form-batch.js';

/** A request with the number of its rows. */
export interface LaidRequest {
  readonly request: InferenceRequest;
  readonly rows: number;
}

/** How requests lie in a batch: what makes one run of them, and takes its outputs apart again. */
export interface BatchLayout {
  /** Requests of the same kind can be merged. */
  kindOf(request: InferenceRequest): string;
  /** The inputs of the run. */
  merge(members: readonly LaidRequest[]): NamedTensors;
  /** Gives the part of each member, by its place. Throws where the model returned no part for each of them. */
  split(model: string, output: OutputTensor, members: readonly LaidRequest[]): (index: number) => Tensor;
}

/** The rows of the requests, one behind the other. */
export const ROWS: BatchLayout = { kindOf, merge: mergeRows, split: splitRows };

function mergeRows(members: readonly LaidRequest[]): NamedTensors {
  const [first] = members;
  if (first === undefined || members.length === 1) return first?.request.inputs ?? namedTensors();
  const merged = namedTensors();
  for (const name in first.request.inputs) {
    const tensors = tensorsOf(members, name);
    if (tensors.length > 0) merged[name] = concatRows(tensors);
  }
  return merged;
}

function splitRows(
  model: string,
  { name, tensor }: OutputTensor,
  members: readonly LaidRequest[],
): (index: number) => Tensor {
  let total = 0;
  const starts = members.map(({ rows }) => (total += rows) - rows);
  if (tensor.shape[0] !== total) throw wrongRows(model, name, tensor, total);
  if (members.length === 1) return () => tensor;
  const part = rowsIn(tensor);
  return (index) => {
    const start = starts[index] ?? 0;
    return part(start, start + (members[index]?.rows ?? 0));
  };
}

/** What the members have under a name; an optional input all of them have, or none. */
export function tensorsOf(members: readonly LaidRequest[], name: string): Tensor[] {
  const tensors: Tensor[] = [];
  for (const { request } of members) {
    const tensor = request.inputs[name];
    if (tensor !== undefined) tensors.push(tensor);
  }
  return tensors;
}

export const wrongRows = (model: string, output: string, { shape: [rows] }: Tensor, total: number) =>
  broken(model, `returned output '${output}' of ${rows ?? 'no'} rows for a batch of ${total}`);

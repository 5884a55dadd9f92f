import type { InferenceRequest } from '../../../core/inference/request.js';
import type { OutputTensor } from '../../../core/inference/response.js';
import type { GeneratedInput, RaggedBatching, ScatteredOutput } from '../../../core/model/scheduling.js';
import * as kinds from '../../../core/tensor/kinds.js';
import { concatRows, sliceRows } from '../../../core/tensor/rows.js';
import { elementCount, type Shape } from '../../../core/tensor/shape.js';
import { type NamedTensors, namedTensors, Tensor } from '../../../core/tensor/tensor.js';
import { broken } from '../../execution/outputs.js';
import { type BatchLayout, type LaidRequest, ROWS, tensorsOf } from './batch-layout.js';
import { kindOf } from './form-batch.js';

/**
 * Requests whose tensors differ in shape, the way Triton's ragged batches are: the elements of a ragged input are strung
 * together, and generated inputs tell where those of each request begin. All other tensors are merged by rows.
 */
export class RaggedLayout implements BatchLayout {
  private readonly ragged: ReadonlySet<string>;
  private readonly scattered: ReadonlyMap<string, ScatteredOutput>;

  constructor(private readonly options: RaggedBatching) {
    this.ragged = new Set(options.inputs);
    this.scattered = new Map(options.scattered.map((output) => [output.output, output]));
  }

  kindOf(request: InferenceRequest): string {
    return kindOf(request, this.ragged);
  }

  merge(members: readonly LaidRequest[]): NamedTensors {
    const merged = Object.assign(namedTensors(), ROWS.merge(members.map((member) => this.withoutRagged(member))));
    for (const name of this.ragged) {
      const tensors = tensorsOf(members, name);
      if (tensors.length > 0) merged[name] = concatRows(tensors.map(flat));
    }
    for (const generated of this.options.generated) {
      const tensor = generate(generated, tensorsOf(members, generated.source));
      for (const input of generated.inputs) merged[input] = tensor;
    }
    return merged;
  }

  split(model: string, output: OutputTensor, members: readonly LaidRequest[]): (index: number) => Tensor {
    const scattered = this.scattered.get(output.name);
    return scattered === undefined ? ROWS.split(model, output, members) : scatter(model, output, scattered, members);
  }

  private withoutRagged({ request, rows }: LaidRequest): LaidRequest {
    const inputs = namedTensors();
    for (const name in request.inputs) {
      const tensor = request.inputs[name];
      if (tensor !== undefined && !this.ragged.has(name)) inputs[name] = tensor;
    }
    return { request: { ...request, inputs }, rows };
  }
}

const flat = ({ datatype, data }: Tensor): Tensor => new Tensor(datatype, [data.length], data);

/** The input that a batch of these tensors has beside them. */
function generate({ kind, datatype }: GeneratedInput, sources: readonly Tensor[]): Tensor {
  const counts = sources.map(({ data }) => data.length);
  switch (kind) {
    case 'element-count':
      return vector(datatype, counts);
    case 'accumulated-element-count':
      return vector(datatype, accumulated(counts));
    case 'accumulated-element-count-with-zero':
      return vector(datatype, [0, ...accumulated(counts)]);
    case 'max-element-count-as-shape':
      return vector(datatype, Array<number>(Math.max(0, ...counts)).fill(0));
    case 'item-shape':
      return itemShapes(datatype, sources, (rows, width) => [rows, width]);
    case 'item-shape-flatten':
      return itemShapes(datatype, sources, (rows, width) => [rows * width]);
  }
}

const vector = (datatype: GeneratedInput['datatype'], values: readonly number[], shape: Shape = [values.length]) =>
  (datatype === 'INT32' ? kinds.int32 : kinds.fp32).of(shape, values);

function accumulated(counts: readonly number[]): number[] {
  let sum = 0;
  return counts.map((count) => (sum += count));
}

/** The shape behind the first dimension, once for each row. */
function itemShapes(
  datatype: GeneratedInput['datatype'],
  sources: readonly Tensor[],
  shapeOf: (rows: number, width: number) => Shape,
): Tensor {
  const items = sources.flatMap(({ shape: [rows = 0, ...item] }) => Array.from({ length: rows }, () => item));
  return vector(datatype, items.flat(), shapeOf(items.length, items[0]?.length ?? 0));
}

/** Takes elements that are strung together apart: each request gets as many as its own input's shape asks for. */
function scatter(
  model: string,
  { name, tensor }: OutputTensor,
  { shape, source }: ScatteredOutput,
  members: readonly LaidRequest[],
): (index: number) => Tensor {
  let total = 0;
  const parts = members.map(({ request }) => {
    const like = request.inputs[source]?.shape ?? [];
    const own = shape.map((size, axis) => (size === -1 ? (like[axis] ?? 0) : size));
    const start = total;
    total += elementCount(own) ?? 0;
    return { own, start, end: total };
  });
  if (tensor.data.length !== total) {
    throw broken(model, `returned output '${name}' of ${tensor.data.length} elements for requests of ${total}`);
  }
  return (index) => {
    const { own, start, end } = parts[index] ?? { own: [0], start: 0, end: 0 };
    return new Tensor(tensor.datatype, own, sliceRows(tensor, start, end).data);
  };
}

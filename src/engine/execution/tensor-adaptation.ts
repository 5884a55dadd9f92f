import type { Shape } from '../../core/tensor/shape.js';
import { type NamedTensors, namedTensors, Tensor } from '../../core/tensor/tensor.js';

/** A tensor that has one shape on the wire and another one, of as many elements, for the model. */
export interface Reshape {
  readonly name: string;
  /** Both with the batch dimension, where there is one, and with as many variable dimensions, in the same order. */
  readonly wire: Shape;
  readonly model: Shape;
}

/** How a model's own tensors differ from those that callers see. */
export interface TensorAdaptation {
  readonly inputs: readonly Reshape[];
  readonly outputs: readonly Reshape[];
  /** The outputs that are given on; the model may have more. */
  readonly kept: ReadonlySet<string>;
}

/** The inputs as the model takes them; no data is copied. */
export const toModel = ({ inputs: reshapes }: TensorAdaptation, inputs: NamedTensors): NamedTensors =>
  reshapes.length === 0 ? inputs : Object.assign(namedTensors(), inputs, reshaped(inputs, reshapes, 'wire', 'model'));

/** The outputs as callers see them; what is no record of tensors is left for others to refuse. */
export function toWire({ outputs: reshapes, kept }: TensorAdaptation, result: unknown): unknown {
  if (typeof result !== 'object' || result === null) return result;
  const outputs = namedTensors();
  for (const [name, tensor] of Object.entries(result as NamedTensors)) if (kept.has(name)) outputs[name] = tensor;
  return Object.assign(outputs, reshaped(outputs, reshapes, 'model', 'wire'));
}

function reshaped(
  tensors: NamedTensors,
  reshapes: readonly Reshape[],
  from: 'wire' | 'model',
  to: 'wire' | 'model',
): NamedTensors {
  const changed = namedTensors();
  for (const reshape of reshapes) {
    const tensor = tensors[reshape.name];
    const shape = tensor instanceof Tensor ? shapeAs(tensor.shape, reshape[from], reshape[to]) : undefined;
    if (tensor !== undefined && shape !== undefined)
      changed[reshape.name] = new Tensor(tensor.datatype, shape, tensor.data);
  }
  return changed;
}

/** The nth variable dimension of the one shape is that of the other. `undefined` for a shape that is another one. */
function shapeAs(shape: Shape, from: Shape, to: Shape): Shape | undefined {
  if (shape.length !== from.length || from.some((size, axis) => size !== -1 && size !== shape[axis])) return undefined;
  const sizes = shape.filter((_, axis) => from[axis] === -1);
  let next = 0;
  return to.map((size) => (size === -1 ? (sizes[next++] ?? 0) : size));
}

import { ServingError } from '../../core/errors/serving-error.js';
import type { RequestedOutput } from '../../core/inference/request.js';
import type { OutputTensor } from '../../core/inference/response.js';
import type { NamedSpec } from '../../core/model/signature.js';
import { formatShape, shapeMatches } from '../../core/tensor/shape.js';
import { Tensor } from '../../core/tensor/tensor.js';
import type { ModelHandle } from '../registry/model-handle.js';

/**
 * Holds what a model returned against its signature, and picks the requested outputs, in the signature's order.
 * A model that breaks its own signature is answered with `internal`, naming the model and the output.
 */
export function collectOutputs(
  { name, outputs, outputNames }: ModelHandle,
  result: unknown,
  requested: readonly RequestedOutput[],
): OutputTensor[] {
  if (typeof result !== 'object' || result === null) throw broken(name, 'returned no outputs');
  for (const key of Object.keys(result)) {
    if (!outputNames.has(key)) throw broken(name, `returned '${key}', which is not an output of its signature`);
  }
  const collected: OutputTensor[] = [];
  for (const spec of outputs) {
    const tensor = checkOutput(name, spec, result);
    if (requested.length === 0 || requested.some((output) => output.name === spec.name)) {
      collected.push({ name: spec.name, tensor });
    }
  }
  return collected;
}

function checkOutput(model: string, { name, datatype, shape }: NamedSpec, result: object): Tensor {
  const tensor: unknown = Object.hasOwn(result, name) ? (result as Record<string, unknown>)[name] : undefined;
  if (!(tensor instanceof Tensor)) throw broken(model, `returned no tensor for output '${name}'`);
  if (tensor.datatype !== datatype) {
    throw broken(model, `returned output '${name}' as ${tensor.datatype}, its signature says ${datatype}`);
  }
  if (!shapeMatches(shape, tensor.shape)) {
    const got = formatShape(tensor.shape);
    throw broken(model, `returned output '${name}' of shape ${got}, its signature says ${formatShape(shape)}`);
  }
  return tensor;
}

const broken = (model: string, what: string) => new ServingError('internal', `model '${model}' ${what}`);

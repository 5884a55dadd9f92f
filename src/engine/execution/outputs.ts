import { ServingError } from '../../core/errors/serving-error.js';
import type { RunContext } from '../../core/inference/context.js';
import { wantedOutputs } from '../../core/inference/wanted-outputs.js';
import type { RequestedOutput } from '../../core/inference/request.js';
import type { OutputTensor } from '../../core/inference/response.js';
import type { NamedSpec } from '../../core/model/signature.js';
import { formatShape, shapeMatches } from '../../core/tensor/shape.js';
import { Tensor } from '../../core/tensor/tensor.js';
import type { RunnableModel } from './runnable-model.js';

/**
 * Holds what a model returned against its signature, in whose order the outputs stand; those that nobody wants may be
 * left out. A model that breaks its own signature is answered with `internal`, naming the model and the output.
 */
export function collectOutputs(
  { name, outputs, outputNames }: RunnableModel,
  result: unknown,
  context: RunContext,
): OutputTensor[] {
  if (typeof result !== 'object' || result === null) throw broken(name, 'returned no outputs');
  for (const key of Object.keys(result)) {
    if (!outputNames.has(key)) throw broken(name, `returned '${key}', which is not an output of its signature`);
  }
  const collected: OutputTensor[] = [];
  for (const spec of outputs) {
    if (!Object.hasOwn(result, spec.name) && !isWanted(spec.name, context)) continue;
    collected.push({ name: spec.name, tensor: checkOutput(name, spec, result) });
  }
  return collected;
}

const isWanted = (output: string, context: RunContext): boolean => {
  const wanted = wantedOutputs(context);
  return wanted.length === 0 || wanted.includes(output);
};

/** The outputs that were asked for; all of them, when none was named. */
export const requestedOf = <T extends Pick<OutputTensor, 'name'>>(
  outputs: readonly T[],
  requested: readonly RequestedOutput[],
): readonly T[] =>
  requested.length === 0 ? outputs : outputs.filter(({ name }) => requested.some((output) => output.name === name));

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

export const broken = (model: string, what: string) => new ServingError('internal', `model '${model}' ${what}`);

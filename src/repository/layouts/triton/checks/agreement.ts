import type { ModelInput, ModelOutput } from '../../../../core/model/model-config.js';
import type { NamedSpec } from '../../../../core/model/signature.js';
import { formatShape } from '../../../../core/tensor/shape.js';
import type { Partly } from '../model-config-schema.js';
import { toDataType, withBatch } from '../protocol-signature.js';

/** The tensors of a model's own file. */
export interface ModelTensors {
  readonly inputs: readonly NamedSpec[];
  readonly outputs: readonly NamedSpec[];
}

export type Tensor = Partly<ModelInput> & Partly<ModelOutput>;

/** The tensors that callers never see, each with the part of the configuration that takes it. */
export interface SchedulerTensors {
  readonly inputs: ReadonlyMap<string, string>;
  readonly outputs: ReadonlyMap<string, string>;
}

/** Throws where the scheduler fills or takes a tensor that the model has not. */
export function checkSchedulerTensors(
  name: string,
  expected: SchedulerTensors,
  { inputs, outputs }: ModelTensors,
): void {
  const check = (wanted: ReadonlyMap<string, string>, provided: readonly NamedSpec[]): void => {
    for (const [tensor, role] of wanted) {
      if (provided.some((spec) => spec.name === tensor)) continue;
      const message = `unable to load model '${name}', configuration specified ${role} '${tensor}', but model does not`;
      throw new Error(`${message} provide that tensor: it provides ${namesOf(provided)}`);
    }
  };
  check(expected.inputs, inputs);
  check(expected.outputs, outputs);
}

/** Throws where a tensor of the configuration has another datatype or shape than the model's. */
export function checkTensor(
  role: 'input' | 'output',
  tensor: Tensor,
  spec: NamedSpec,
  maxBatchSize: number,
  model: string,
): void {
  checkDatatype(role, tensor, spec, model);
  const { dims = [], reshape } = tensor;
  const { name, shape } = spec;
  const whole = withBatch(reshape?.shape ?? dims, maxBatchSize);
  const agrees = whole.length === shape.length && shape.every((size, axis) => size === -1 || size === whole[axis]);
  if (agrees) return;
  const shown = formatShape(whole);
  const how =
    maxBatchSize > 0
      ? `(an initial batch dimension because max_batch_size > 0 followed by the explicit tensor shape, making complete shape ${shown})`
      : `(shape ${shown})`;
  throw new Error(
    `model '${model}', tensor '${name}': the model expects ${shape.length} dimensions (shape ${formatShape(shape)}) ` +
      `but the model configuration specifies ${whole.length} dimensions ${how}`,
  );
}

/** Throws where a tensor of the configuration has another datatype than the model's. */
export function checkDatatype(
  role: 'input' | 'output',
  { data_type }: Tensor,
  { name, datatype }: NamedSpec,
  model: string,
): void {
  const expected = toDataType(datatype);
  if (data_type === expected) return;
  const found = `unexpected datatype ${data_type} for inference ${role} '${name}', expecting ${expected}`;
  throw new Error(`unable to load model '${model}', ${found}`);
}

/** Throws where a tensor of the model cannot hold the elements of any number of requests, strung together. */
export function checkFlat(role: 'input' | 'output', { name, shape }: NamedSpec, model: string): void {
  if (shape.length === 1 && shape[0] === -1) return;
  throw new Error(
    `unable to load model '${model}', ragged ${role} '${name}' is of shape ${formatShape(shape)} in the model, ` +
      'where all requests stand in one list: make it [-1]',
  );
}

/** Throws where the configuration leaves an input out that the model runs on. It may leave outputs out. */
export function checkAllInputs(model: string, given: readonly Tensor[], provided: readonly NamedSpec[]): void {
  const missing = provided.filter(({ name, optional }) => !optional && !given.some((tensor) => tensor.name === name));
  if (missing.length === 0) return;
  throw new Error(
    `unable to load model '${model}', configuration expects ${given.length} inputs, model provides ${provided.length}: ` +
      `add ${namesOf(missing)}, or leave 'input' out to have it completed`,
  );
}

export const namesOf = (tensors: readonly NamedSpec[]): string =>
  tensors.map(({ name }) => `'${name}'`).join(', ') || 'none';

import type { ModelConfig, ModelDataType, ModelInstanceGroup } from '../../../core/model/model-config.js';
import type { NamedSpec } from '../../../core/model/signature.js';
import {
  checkAllInputs,
  checkDatatype,
  checkFlat,
  checkSchedulerTensors,
  checkTensor,
  type ModelTensors,
  namesOf,
  type SchedulerTensors,
  type Tensor,
} from './checks/agreement.js';
import { type Partly, toModelConfig } from './model-config-schema.js';
import { needsBatch, tensorOf, toDataType } from './protocol-signature.js';

export interface CompletionOptions {
  /** The model's folder. */
  readonly name: string;
  readonly platform: string;
  readonly backend: string;
  /** The file that the runtime opens where the configuration names none. */
  readonly defaultModelFilename: string;
  /** The batch size of models that could batch and say nothing of it; 0: they do not batch. */
  readonly defaultMaxBatchSize: number;
  /** The instances of a group that does not say how many. Default 1. */
  readonly defaultInstances?: number;
}

/**
 * Completes what a configuration leaves open from the model's own tensors, and checks what it says against them.
 * Without a configuration every version is served; with one, the latest, unless it says otherwise. Throws an `Error`
 * where the two disagree.
 */
export function autoComplete(
  config: ModelConfig | undefined,
  model: ModelTensors,
  options: CompletionOptions,
): ModelConfig {
  const given = config ?? toModelConfig({ version_policy: { all: {} } });
  const { name } = options;
  const maxBatchSize = completeMaxBatchSize(given, model, options.defaultMaxBatchSize);
  const byScheduler = schedulerTensors(given);
  checkSchedulerTensors(name, byScheduler, model);
  const inputs = model.inputs.filter((spec) => !byScheduler.inputs.has(spec.name));
  const outputs = model.outputs.filter((spec) => !byScheduler.outputs.has(spec.name));
  const { ragged, scattered } = strungTogether(given);
  const input = completeTensors('input', given.input, inputs, maxBatchSize, name, ragged);
  const output = completeTensors('output', given.output, outputs, maxBatchSize, name, scattered);
  checkAllInputs(name, input, inputs);
  return toModelConfig({
    ...given,
    name: given.name || name,
    platform: given.platform || options.platform,
    backend: given.backend || options.backend,
    default_model_filename: given.default_model_filename || options.defaultModelFilename,
    version_policy: given.version_policy ?? { latest: { num_versions: 1 } },
    max_batch_size: maxBatchSize,
    input,
    output,
    instance_group: completeInstances(given.instance_group, name, options.defaultInstances ?? 1),
    ...(maxBatchSize > 1 && given.max_batch_size === 0 && !hasScheduler(given) ? { dynamic_batching: {} } : {}),
  });
}

const hasScheduler = (config: ModelConfig): boolean =>
  (config.dynamic_batching ?? config.sequence_batching ?? config.ensemble_scheduling) !== undefined;

/** Dimensions that are written out were written for the batch size that is: none. */
function completeMaxBatchSize(config: ModelConfig, { inputs, outputs }: ModelTensors, byDefault: number): number {
  if (config.max_batch_size !== 0) return config.max_batch_size;
  const saysNothing = [...config.input, ...config.output].every(({ dims }) => dims.length === 0);
  const couldBatch = inputs.length > 0 && [...inputs, ...outputs].every(({ shape }) => shape[0] === -1);
  return saysNothing && couldBatch ? byDefault : 0;
}

function schedulerTensors({ sequence_batching: sequence, batch_input }: ModelConfig): SchedulerTensors {
  const states = sequence?.state ?? [];
  return {
    inputs: new Map([
      ...(sequence?.control_input ?? []).map(({ name }) => [name, 'sequence control'] as const),
      ...states.map(({ input_name }) => [input_name, 'state input'] as const),
      ...batch_input.flatMap(({ target_name }) => target_name.map((name) => [name, 'batch input'] as const)),
    ]),
    outputs: new Map(states.map(({ output_name }) => [output_name, 'state output'] as const)),
  };
}

/** The tensors that are one list of the elements of all requests to the model, whatever shape they have for callers. */
const strungTogether = ({ input, batch_output }: ModelConfig) => ({
  ragged: new Set(input.flatMap(({ name, allow_ragged_batch }) => (allow_ragged_batch ? [name] : []))),
  scattered: new Set(batch_output.flatMap(({ target_name }) => target_name)),
});

function completeTensors(
  role: 'input' | 'output',
  given: readonly Tensor[],
  provided: readonly NamedSpec[],
  maxBatchSize: number,
  model: string,
  flat: ReadonlySet<string>,
): Tensor[] {
  if (given.length === 0) {
    return provided.map((spec) => {
      const tensor = fromModel(spec, maxBatchSize, model);
      return role === 'input' ? { ...tensor, optional: spec.optional } : tensor;
    });
  }
  return given.map((tensor) => {
    const spec = provided.find(({ name }) => name === tensor.name);
    if (spec === undefined) {
      const allowed = `allowed ${role}s are: ${namesOf(provided)}`;
      throw new Error(`unable to load model '${model}', unexpected inference ${role} '${tensor.name}', ${allowed}`);
    }
    if (flat.has(spec.name)) return completeFlat(role, tensor, spec, model);
    const completed = completeTensor(tensor, fromModel(spec, maxBatchSize, model));
    checkTensor(role, completed, spec, maxBatchSize, model);
    return completed;
  });
}

function completeFlat(role: 'input' | 'output', tensor: Tensor, spec: NamedSpec, model: string): Tensor {
  const completed = completeTensor(tensor, { data_type: toDataType(spec.datatype) });
  checkDatatype(role, completed, spec, model);
  checkFlat(role, spec, model);
  return completed;
}

/** A configuration has no empty `dims`: one value for each item of a batch is a list of one on the wire. */
function fromModel(spec: NamedSpec, maxBatchSize: number, model: string): Tensor {
  const { name, shape } = spec;
  if (maxBatchSize > 0 && shape[0] !== -1) throw new Error(`model '${model}', tensor '${name}': ${needsBatch(shape)}`);
  const tensor = tensorOf(spec, maxBatchSize);
  return maxBatchSize > 0 && tensor.dims?.length === 0 ? { ...tensor, dims: [1], reshape: { shape: [] } } : tensor;
}

function completeTensor(tensor: Tensor, model: Tensor): Tensor {
  const typed =
    tensor.data_type === 'TYPE_INVALID' ? { ...tensor, data_type: model.data_type as ModelDataType } : tensor;
  if (tensor.dims?.length !== 0) return typed;
  const { dims = [], reshape } = model;
  return { ...typed, dims, ...(tensor.reshape === undefined && reshape !== undefined ? { reshape } : {}) };
}

const completeInstances = (
  groups: readonly ModelInstanceGroup[],
  model: string,
  count: number,
): Partly<ModelInstanceGroup>[] =>
  groups.length === 0
    ? [{ name: model, kind: 'KIND_CPU', count }]
    : groups.map((group, index) => ({
        ...group,
        name: group.name || `${model}_${index}`,
        kind: group.kind === 'KIND_AUTO' ? 'KIND_CPU' : group.kind,
        count: group.count || count,
      }));

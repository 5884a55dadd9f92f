import { fp32, type LoadedModel, type ModelConfig, type NamedTensors, signature, type Tensor } from '#core';
import type { EnsembleStep, ModelDataType, ModelInput, ModelOutput } from '../../src/core/model/model-config.js';
import { EnsembleRuntime } from '../../src/runtimes/ensemble/ensemble.runtime.js';
import { FakeModelClient } from '../../src/testing/fake-model-client.js';

/** Ensembles by the few words that a test is about, and two models to make them of. */

type Dims = readonly number[];
type TensorParts = Dims | { readonly dims: Dims; readonly type?: ModelDataType; readonly optional?: boolean };
export type StepParts = readonly [
  model: string,
  inputs: Readonly<Record<string, string>>,
  outputs: Readonly<Record<string, string>>,
  version?: number,
];

export interface EnsembleParts {
  readonly inputs?: Readonly<Record<string, TensorParts>>;
  readonly outputs?: Readonly<Record<string, TensorParts>>;
  readonly steps: readonly StepParts[];
  readonly maxBatchSize?: number;
}

const toTensor = ([name, parts]: readonly [string, TensorParts]): ModelInput & ModelOutput => {
  const { dims, type = 'TYPE_FP32', optional = false } = 'dims' in parts ? parts : { dims: parts };
  return {
    name,
    data_type: type,
    dims,
    optional,
    format: 'FORMAT_NONE',
    label_filename: '',
    is_shape_tensor: false,
    allow_ragged_batch: false,
    is_non_linear_format_io: false,
  };
};

/** The parts of a configuration that an ensemble is made of. */
export const configOf = ({ inputs = { x: [-1] }, outputs = { y: [-1] }, steps, maxBatchSize = 0 }: EnsembleParts) =>
  ({
    name: 'e',
    platform: 'ensemble',
    max_batch_size: maxBatchSize,
    input: Object.entries(inputs).map(toTensor),
    output: Object.entries(outputs).map(toTensor),
    ensemble_scheduling: {
      step: steps.map(([model_name, input_map, output_map, model_version = -1]): EnsembleStep => {
        return { model_name, model_version, input_map, output_map, model_namespace: '' };
      }),
      max_inflight_requests: 0,
    },
  }) as unknown as ModelConfig;

export const unary = signature({ inputs: { a: fp32(-1) }, outputs: { b: fp32(-1) } });
const binary = signature({ inputs: { l: fp32(-1), r: fp32(-1) }, outputs: { sum: fp32(-1) } });

export type Floats = Tensor<'FP32'>;
export const plusOne = ({ a }: NamedTensors): NamedTensors => ({ b: (a as Floats).map((value) => value + 1) });
const add = ({ l, r }: NamedTensors): NamedTensors => ({
  sum: (l as Floats).map((value, index) => value + ((r as Floats).data[index] ?? Number.NaN)),
});

/** A fake with `one`, which adds 1 to `a`, and `add`, which adds `l` and `r`. */
export const someModels = (): FakeModelClient =>
  new FakeModelClient().add('one', unary, plusOne).add('add', binary, add);

/** Loads the ensemble `e`, of the models of a fake. */
export const loadConfig = (models: FakeModelClient, config?: ModelConfig): Promise<LoadedModel> =>
  new EnsembleRuntime(models).load({
    name: 'e',
    version: '1',
    path: '/e/1',
    ...(config === undefined ? {} : { config }),
  });

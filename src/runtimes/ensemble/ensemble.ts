import type { ModelReference } from '../../core/model/model-client.js';
import type {
  EnsembleStep as StepConfig,
  ModelConfig,
  ModelDataType,
  ModelInput,
  ModelOutput,
} from '../../core/model/model-config.js';
import { type NamedSpec, signature } from '../../core/model/signature.js';
import type { Datatype } from '../../core/tensor/datatype.js';
import type { TensorSpec } from '../../core/tensor/kinds.js';

/** What a configuration says of an ensemble. */
export interface Ensemble {
  readonly name: string;
  readonly inputs: readonly NamedSpec[];
  readonly outputs: readonly NamedSpec[];
  /** How many rows a request has at most; 0 for an ensemble without a batch dimension. */
  readonly maxBatchSize: number;
  readonly steps: readonly EnsembleStep[];
}

/** One call of a model; the ensemble's tensors join the steps. */
export interface EnsembleStep {
  /** As messages name it: `step 0 ('model')`. */
  readonly title: string;
  readonly model: Pick<ModelReference, 'name' | 'version'>;
  readonly inputs: readonly TensorMapping[];
  readonly outputs: readonly TensorMapping[];
}

export interface TensorMapping {
  /** The name that the step's model has for it. */
  readonly own: string;
  /** The name that the ensemble has for it. */
  readonly tensor: string;
}

/** Reads a configuration. Throws for one that is no ensemble's, and for tensors that cannot be declared. */
export function ensembleOf(name: string, config: ModelConfig | undefined): Ensemble {
  if (config?.ensemble_scheduling === undefined || config.ensemble_scheduling.step.length === 0) {
    throw new Error(`must specify 'step' for ensemble '${name}': list its steps in ensemble_scheduling`);
  }
  if (config.model_transaction_policy?.decoupled === true) {
    throw new Error(`ensemble '${name}' gives one response to each request: remove decoupled from its configuration`);
  }
  const maxBatchSize = config.max_batch_size;
  const toEntry = (tensor: ModelInput | ModelOutput) => [tensor.name, toSpec(name, tensor, maxBatchSize)] as const;
  const { inputs, outputs } = signature({ inputs: config.input.map(toEntry), outputs: config.output.map(toEntry) });
  return { name, inputs, outputs, maxBatchSize, steps: config.ensemble_scheduling.step.map(toStep) };
}

function toSpec(ensemble: string, tensor: ModelInput | ModelOutput, maxBatchSize: number): TensorSpec {
  const dims = tensor.reshape?.shape ?? tensor.dims;
  return {
    datatype: toDatatype(tensor.data_type, `ensemble '${ensemble}', tensor '${tensor.name}'`),
    shape: maxBatchSize > 0 ? [-1, ...dims] : dims,
    optional: 'optional' in tensor && tensor.optional,
  };
}

function toDatatype(type: ModelDataType, place: string): Datatype {
  if (type === 'TYPE_INVALID') throw new Error(`${place}: must specify 'data_type'`);
  return type === 'TYPE_STRING' ? 'BYTES' : (type.slice('TYPE_'.length) as Datatype);
}

function toStep({ model_name: name, model_version, input_map, output_map }: StepConfig, index: number): EnsembleStep {
  return {
    title: `step ${index} ('${name}')`,
    model: Number(model_version) === LATEST ? { name } : { name, version: String(model_version) },
    inputs: toMappings(input_map),
    outputs: toMappings(output_map),
  };
}

const LATEST = -1;

const toMappings = (map: Readonly<Record<string, string>>): TensorMapping[] =>
  Object.entries(map).map(([own, tensor]) => ({ own, tensor }));

import type {
  ModelConfig,
  ModelDataType,
  ModelDynamicBatching,
  ModelInput,
  ModelOutput,
  ModelSequenceBatching,
  ModelVersionPolicy,
} from '../../../core/model/model-config.js';
import type { NamedSpec } from '../../../core/model/signature.js';
import type { Reshape } from '../../../engine/execution/tensor-adaptation.js';
import type { Datatype } from '../../../core/tensor/datatype.js';
import { formatShape, type Shape } from '../../../core/tensor/shape.js';
import { type Partly, toModelConfig } from './model-config-schema.js';

/** What a configuration says of a model's tensors, in the protocol's shapes. */
export interface ProtocolSignature {
  readonly inputs: readonly NamedSpec[];
  readonly outputs: readonly NamedSpec[];
  readonly reshapes: { readonly inputs: readonly Reshape[]; readonly outputs: readonly Reshape[] };
}

/** The protocol's names for what `inputs` and `outputs` of the configuration declare. Throws where a type is missing. */
export function protocolSignature({ name, max_batch_size, input, output }: ModelConfig): ProtocolSignature {
  const toSpec = (tensor: ModelInput | ModelOutput): NamedSpec => ({
    name: tensor.name,
    datatype: toDatatype(tensor.data_type, `model '${name}', tensor '${tensor.name}'`),
    shape: withBatch(tensor.dims, max_batch_size),
    optional: 'optional' in tensor && tensor.optional,
  });
  const plans = (tensors: readonly (ModelInput | ModelOutput)[]): Reshape[] =>
    tensors.flatMap(({ name, dims, reshape }) =>
      reshape === undefined
        ? []
        : [{ name, wire: withBatch(dims, max_batch_size), model: withBatch(reshape.shape, max_batch_size) }],
    );
  return {
    inputs: input.map(toSpec),
    outputs: output.map(toSpec),
    reshapes: { inputs: plans(input), outputs: plans(output) },
  };
}

/** The shape of a whole tensor: a batch dimension of any size comes first where the model batches. */
export const withBatch = (dims: Shape, maxBatchSize: number): Shape => (maxBatchSize > 0 ? [-1, ...dims] : dims);

export function toDatatype(type: ModelDataType, tensor: string): Datatype {
  if (type === 'TYPE_INVALID') throw new Error(`${tensor}: must specify 'data_type'`);
  return type === 'TYPE_STRING' ? 'BYTES' : (type.slice('TYPE_'.length) as Datatype);
}

export const toDataType = (datatype: Datatype): ModelDataType =>
  datatype === 'BYTES' ? 'TYPE_STRING' : `TYPE_${datatype}`;

export interface ModelConfigOptions {
  readonly name: string;
  readonly platform?: string;
  readonly backend?: string;
  /** Default 0: the shapes have no batch dimension. Above 0 the first dimension of each shape is the batch's. */
  readonly maxBatchSize?: number;
  /** At most one of these two. */
  readonly dynamicBatching?: Partly<ModelDynamicBatching> | undefined;
  readonly sequenceBatching?: Partly<ModelSequenceBatching> | undefined;
  readonly cached?: boolean;
  readonly decoupled?: boolean;
  /** Default 1. */
  readonly instances?: number;
  /** Default: all versions. */
  readonly versionPolicy?: ModelVersionPolicy;
  readonly defaultModelFilename?: string;
}

/** The configuration of a model that has none of its own, from the protocol's shapes of its tensors. */
export function modelConfigOf(
  { inputs, outputs }: { readonly inputs: readonly NamedSpec[]; readonly outputs: readonly NamedSpec[] },
  options: ModelConfigOptions,
): ModelConfig {
  const { name, maxBatchSize = 0, dynamicBatching, sequenceBatching, cached = false } = options;
  const { decoupled = false, instances = 1, versionPolicy } = options;
  return toModelConfig({
    name,
    platform: options.platform ?? '',
    backend: options.backend ?? '',
    version_policy: versionPolicy ?? { all: {} },
    max_batch_size: maxBatchSize,
    input: inputs.map((spec) => ({ ...tensorOf(spec, maxBatchSize), optional: spec.optional })),
    output: outputs.map((spec) => tensorOf(spec, maxBatchSize)),
    instance_group: [{ name, kind: 'KIND_CPU', count: instances }],
    default_model_filename: options.defaultModelFilename ?? '',
    ...(dynamicBatching === undefined ? {} : { dynamic_batching: dynamicBatching }),
    ...(sequenceBatching === undefined ? {} : { sequence_batching: sequenceBatching }),
    ...(cached ? { response_cache: { enable: true } } : {}),
    ...(decoupled ? { model_transaction_policy: { decoupled } } : {}),
  });
}

/** An input or output of the configuration, its dimensions without the batch's. */
export function tensorOf(
  { name, datatype, shape }: NamedSpec,
  maxBatchSize: number,
): Partly<ModelInput> & Partly<ModelOutput> {
  const tensor = { name, data_type: toDataType(datatype) };
  if (maxBatchSize === 0) return { ...tensor, dims: shape };
  if (shape[0] !== -1) throw new Error(`model tensor '${name}': ${needsBatch(shape)}`);
  return { ...tensor, dims: shape.slice(1) };
}

export const needsBatch = (shape: Shape): string =>
  'for the model to support batching the shape should have at least 1 dimension and the first dimension must be -1; ' +
  `but shape expected by the model is ${formatShape(shape)}`;

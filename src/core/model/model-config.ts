/**
 * A model's configuration, as `config.pbtxt` holds it and as the extension `model_configuration` answers it: the
 * message `inference.ModelConfig` with the proto's names and comments. Scalars, lists and maps are always there, with
 * the proto's defaults; messages and members of a oneof only where they are set.
 */
export interface ModelConfig {
  readonly name: string;
  readonly platform: string;
  readonly backend: string;
  readonly runtime: string;
  readonly version_policy?: ModelVersionPolicy;
  /** 0: no batch dimension. */
  readonly max_batch_size: number;
  readonly input: readonly ModelInput[];
  readonly output: readonly ModelOutput[];
  readonly batch_input: readonly BatchInput[];
  readonly batch_output: readonly BatchOutput[];
  readonly optimization?: ModelOptimizationPolicy;
  readonly dynamic_batching?: ModelDynamicBatching;
  readonly sequence_batching?: ModelSequenceBatching;
  readonly ensemble_scheduling?: ModelEnsembling;
  readonly instance_group: readonly ModelInstanceGroup[];
  readonly default_model_filename: string;
  readonly cc_model_filenames: Readonly<Record<string, string>>;
  readonly metric_tags: Readonly<Record<string, string>>;
  readonly parameters: Readonly<Record<string, { readonly string_value: string }>>;
  readonly model_warmup: readonly ModelWarmup[];
  readonly model_operations?: { readonly op_library_filename: readonly string[] };
  readonly model_transaction_policy?: { readonly decoupled: boolean };
  readonly model_repository_agents?: { readonly agents: readonly ModelRepositoryAgent[] };
  readonly response_cache?: { readonly enable: boolean };
  readonly model_metrics?: { readonly metric_control: readonly MetricControl[] };
}

/** A 64-bit integer: a number where it is safe. */
export type Int64 = number | bigint;

export type ModelDataType =
  | 'TYPE_INVALID'
  | 'TYPE_BOOL'
  | 'TYPE_UINT8'
  | 'TYPE_UINT16'
  | 'TYPE_UINT32'
  | 'TYPE_UINT64'
  | 'TYPE_INT8'
  | 'TYPE_INT16'
  | 'TYPE_INT32'
  | 'TYPE_INT64'
  | 'TYPE_FP16'
  | 'TYPE_FP32'
  | 'TYPE_FP64'
  | 'TYPE_STRING'
  | 'TYPE_BF16';

/** The shape the model works with, without the batch dimension, where it is not the one on the wire. */
export interface ModelTensorReshape {
  readonly shape: readonly number[];
}

export interface ModelInput {
  readonly name: string;
  readonly data_type: ModelDataType;
  readonly format: 'FORMAT_NONE' | 'FORMAT_NHWC' | 'FORMAT_NCHW';
  /** Without the batch dimension; -1 takes any size. */
  readonly dims: readonly number[];
  readonly reshape?: ModelTensorReshape;
  readonly is_shape_tensor: boolean;
  readonly allow_ragged_batch: boolean;
  readonly optional: boolean;
  readonly is_non_linear_format_io: boolean;
}

export interface ModelOutput {
  readonly name: string;
  readonly data_type: ModelDataType;
  /** Without the batch dimension; -1 takes any size. */
  readonly dims: readonly number[];
  readonly reshape?: ModelTensorReshape;
  /** In the model's folder; empty: none. */
  readonly label_filename: string;
  readonly is_shape_tensor: boolean;
  readonly is_non_linear_format_io: boolean;
}

export interface BatchInput {
  readonly kind:
    | 'BATCH_ELEMENT_COUNT'
    | 'BATCH_ACCUMULATED_ELEMENT_COUNT'
    | 'BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO'
    | 'BATCH_MAX_ELEMENT_COUNT_AS_SHAPE'
    | 'BATCH_ITEM_SHAPE'
    | 'BATCH_ITEM_SHAPE_FLATTEN';
  readonly target_name: readonly string[];
  readonly data_type: ModelDataType;
  readonly source_input: readonly string[];
}

export interface BatchOutput {
  readonly target_name: readonly string[];
  readonly kind: 'BATCH_SCATTER_WITH_INPUT_SHAPE';
  readonly source_input: readonly string[];
}

/** Holds one member at most; unset: the latest version. */
export interface ModelVersionPolicy {
  /** 0 is 1. */
  readonly latest?: { readonly num_versions: number };
  readonly all?: Readonly<Record<string, never>>;
  readonly specific?: { readonly versions: readonly Int64[] };
}

export interface ModelQueuePolicy {
  readonly timeout_action: 'REJECT' | 'DELAY';
  /** 0: none. */
  readonly default_timeout_microseconds: Int64;
  readonly allow_timeout_override: boolean;
  /** 0: unlimited. */
  readonly max_queue_size: number;
}

export interface ModelDynamicBatching {
  readonly preferred_batch_size: readonly number[];
  readonly max_queue_delay_microseconds: Int64;
  readonly preserve_ordering: boolean;
  /** 1 is served first; 0: no priorities. */
  readonly priority_levels: number;
  readonly default_priority_level: number;
  readonly default_queue_policy?: ModelQueuePolicy;
  /** By level, in decimal. */
  readonly priority_queue_policy: Readonly<Record<string, ModelQueuePolicy>>;
}

export type SequenceControlKind =
  'CONTROL_SEQUENCE_START' | 'CONTROL_SEQUENCE_READY' | 'CONTROL_SEQUENCE_END' | 'CONTROL_SEQUENCE_CORRID';

export interface SequenceControl {
  readonly kind: SequenceControlKind;
  readonly int32_false_true: readonly number[];
  readonly fp32_false_true: readonly number[];
  readonly bool_false_true: readonly boolean[];
  /** Of the correlation id. */
  readonly data_type: ModelDataType;
}

export interface SequenceControlInput {
  readonly name: string;
  readonly control: readonly SequenceControl[];
}

/** Holds one of `zero_data` and `data_file`, the latter under `initial_state/` in the model's folder. */
export interface SequenceInitialState {
  readonly name: string;
  readonly data_type: ModelDataType;
  readonly dims: readonly number[];
  readonly zero_data?: boolean;
  readonly data_file?: string;
}

export interface SequenceState {
  readonly input_name: string;
  readonly output_name: string;
  readonly data_type: ModelDataType;
  /** Without the batch dimension; -1 takes any size. */
  readonly dims: readonly number[];
  readonly initial_state: readonly SequenceInitialState[];
  readonly use_same_buffer_for_input_output: boolean;
  readonly use_growable_memory: boolean;
}

/** Holds one of `direct`, the default, and `oldest`. */
export interface ModelSequenceBatching {
  /** 0 is 1,000,000. */
  readonly max_sequence_idle_microseconds: Int64;
  readonly control_input: readonly SequenceControlInput[];
  readonly direct?: {
    readonly max_queue_delay_microseconds: Int64;
    readonly minimum_slot_utilization: number;
  };
  readonly oldest?: {
    readonly max_candidate_sequences: number;
    readonly preferred_batch_size: readonly number[];
    readonly max_queue_delay_microseconds: Int64;
    readonly preserve_ordering: boolean;
  };
  readonly state: readonly SequenceState[];
  readonly iterative_sequence: boolean;
}

export interface EnsembleStep {
  readonly model_name: string;
  /** -1: the latest. */
  readonly model_version: Int64;
  /** The step's input: the ensemble's tensor. */
  readonly input_map: Readonly<Record<string, string>>;
  /** The step's output: the ensemble's tensor. */
  readonly output_map: Readonly<Record<string, string>>;
  readonly model_namespace: string;
}

export interface ModelEnsembling {
  readonly step: readonly EnsembleStep[];
  /** 0: unlimited. */
  readonly max_inflight_requests: number;
}

export interface ModelInstanceGroup {
  readonly name: string;
  readonly kind: 'KIND_AUTO' | 'KIND_GPU' | 'KIND_CPU' | 'KIND_MODEL';
  /** 0 leaves the number to the runtime. */
  readonly count: number;
  readonly rate_limiter?: ModelRateLimiter;
  readonly gpus: readonly number[];
  readonly secondary_devices: readonly { readonly kind: 'KIND_NVDLA'; readonly device_id: Int64 }[];
  readonly profile: readonly string[];
  readonly passive: boolean;
  readonly host_policy: string;
}

export interface ModelRateLimiter {
  readonly resources: readonly { readonly name: string; readonly global: boolean; readonly count: number }[];
  readonly priority: number;
}

/** Holds one of the three sources of data; files lie under `warmup/` in the model's folder. */
export interface ModelWarmupInput {
  readonly data_type: ModelDataType;
  /** Without the batch dimension; every one known. */
  readonly dims: readonly number[];
  readonly zero_data?: boolean;
  readonly random_data?: boolean;
  readonly input_data_file?: string;
}

export interface ModelWarmup {
  readonly name: string;
  /** 0 for a model that does not batch. */
  readonly batch_size: number;
  readonly inputs: Readonly<Record<string, ModelWarmupInput>>;
  /** 0 is 1. */
  readonly count: number;
}

export interface ModelRepositoryAgent {
  readonly name: string;
  readonly parameters: Readonly<Record<string, string>>;
}

export interface MetricControl {
  readonly metric_identifier?: { readonly family: string };
  readonly histogram_options?: { readonly buckets: readonly number[] };
}

export interface ModelOptimizationPolicy {
  readonly graph?: { readonly level: number };
  readonly priority: 'PRIORITY_DEFAULT' | 'PRIORITY_MAX' | 'PRIORITY_MIN';
  readonly cuda?: CudaOptimization;
  readonly execution_accelerators?: {
    readonly gpu_execution_accelerator: readonly ExecutionAccelerator[];
    readonly cpu_execution_accelerator: readonly ExecutionAccelerator[];
  };
  readonly input_pinned_memory?: { readonly enable: boolean };
  readonly output_pinned_memory?: { readonly enable: boolean };
  readonly gather_kernel_buffer_threshold: number;
  readonly eager_batching: boolean;
}

export interface ExecutionAccelerator {
  readonly name: string;
  readonly parameters: Readonly<Record<string, string>>;
}

export interface CudaOptimization {
  readonly graphs: boolean;
  readonly busy_wait_events: boolean;
  readonly graph_spec: readonly (CudaGraphBound & { readonly graph_lower_bound?: CudaGraphBound })[];
  readonly output_copy_stream: boolean;
}

export interface CudaGraphBound {
  readonly batch_size: number;
  readonly input: Readonly<Record<string, { readonly dim: readonly number[] }>>;
}

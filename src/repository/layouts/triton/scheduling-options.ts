import type {
  Int64,
  ModelConfig,
  ModelDynamicBatching,
  ModelQueuePolicy,
  ModelSequenceBatching,
  SequenceControl as ControlConfig,
  SequenceControlKind,
} from '../../../core/model/model-config.js';
import type {
  BatchingOptions,
  QueueOptions,
  QueuePolicy,
  SchedulingOptions,
  SequenceBatching,
  SequenceControl,
} from '../../../core/model/scheduling.js';
import type { Tensor } from '../../../core/tensor/tensor.js';
import { toDatatype } from './protocol-signature.js';
import { raggedOptions } from './ragged-options.js';

/** What sequences start with, by the name of the state's input; the others start with zeros. */
export type InitialStates = ReadonlyMap<string, Tensor>;

/** How requests reach a model, by its configuration. Times there are microseconds, here milliseconds. */
export function schedulingOptions(config: ModelConfig, initialStates: InitialStates): SchedulingOptions {
  const { max_batch_size: maxBatchSize, dynamic_batching: dynamic, sequence_batching: sequence } = config;
  const ragged = raggedOptions(config);
  const instances = instancesOf(config) ?? (sequence === undefined ? undefined : 1);
  return {
    maxBatchSize,
    cache: config.response_cache?.enable === true,
    ...(instances === undefined ? {} : { instances }),
    ...(dynamic === undefined ? {} : { queue: queueOptions(dynamic) }),
    ...(dynamic === undefined || maxBatchSize === 0 ? {} : { batching: batchingOptions(dynamic, maxBatchSize) }),
    ...(ragged === undefined ? {} : { ragged }),
    ...(sequence === undefined ? {} : { sequence: sequenceOptions(sequence, initialStates) }),
  };
}

/** How many instances the groups ask for together; `undefined` where they leave that open. */
export function instancesOf({ instance_group: groups }: ModelConfig): number | undefined {
  const serving = groups.filter(({ passive }) => !passive);
  return serving.reduce((sum, { count }) => sum + count, 0) || undefined;
}

const batchingOptions = (dynamic: ModelDynamicBatching, maxSize: number): BatchingOptions => ({
  maxSize,
  ...(dynamic.preferred_batch_size.length > 0 ? { preferredSizes: dynamic.preferred_batch_size } : {}),
  maxDelayMs: milliseconds(dynamic.max_queue_delay_microseconds),
  preserveOrdering: dynamic.preserve_ordering,
});

function queueOptions({
  priority_levels,
  default_priority_level,
  default_queue_policy,
  priority_queue_policy,
}: ModelDynamicBatching): QueueOptions {
  const policies = Object.entries(priority_queue_policy).map(([level, policy]) => [level, queuePolicy(policy)]);
  return {
    ...(default_queue_policy === undefined ? {} : queuePolicy(default_queue_policy)),
    ...(priority_levels > 0 ? { priorityLevels: priority_levels, defaultPriority: default_priority_level } : {}),
    ...(policies.length > 0 ? { policies: Object.fromEntries(policies) as Record<number, QueuePolicy> } : {}),
  };
}

const queuePolicy = (policy: ModelQueuePolicy): QueuePolicy => ({
  maxSize: policy.max_queue_size,
  timeoutMs: milliseconds(policy.default_timeout_microseconds),
  onTimeout: policy.timeout_action === 'DELAY' ? 'delay' : 'reject',
  allowTimeoutOverride: policy.allow_timeout_override,
});

const DEFAULT_IDLE_MS = 1_000;

function sequenceOptions(sequence: ModelSequenceBatching, initialStates: InitialStates): SequenceBatching {
  const { direct, oldest, control_input, state } = sequence;
  const delay = (oldest ?? direct)?.max_queue_delay_microseconds ?? 0;
  return {
    idleMs: milliseconds(sequence.max_sequence_idle_microseconds) || DEFAULT_IDLE_MS,
    strategy: oldest === undefined ? 'direct' : 'oldest',
    maxDelayMs: milliseconds(delay),
    ...((direct?.minimum_slot_utilization ?? 0) > 0 ? { minSlotUse: direct?.minimum_slot_utilization } : {}),
    ...(sequence.iterative_sequence ? { iterative: true } : {}),
    ...(oldest === undefined ? {} : { preserveOrdering: oldest.preserve_ordering }),
    ...(oldest === undefined || oldest.preferred_batch_size.length === 0
      ? {}
      : { preferredSizes: oldest.preferred_batch_size }),
    ...((oldest?.max_candidate_sequences ?? 0) > 0 ? { maxSequences: oldest?.max_candidate_sequences } : {}),
    controls: control_input.flatMap(({ name, control }) => control.map((each) => sequenceControl(name, each))),
    states: state.map(({ input_name: input, output_name: output, data_type, dims: shape }) => {
      const datatype = toDatatype(data_type, `state '${input}'`);
      const initial = initialStates.get(input);
      return { input, output, datatype, shape, ...(initial === undefined ? {} : { initial }) };
    }),
  };
}

function sequenceControl(input: string, control: ControlConfig): SequenceControl {
  const { int32_false_true, fp32_false_true, bool_false_true } = control;
  const kind = CONTROLS[control.kind];
  if (kind === 'correlation-id') return { input, kind, datatype: toDatatype(control.data_type, `control '${input}'`) };
  const numbers = int32_false_true.length > 0 ? int32_false_true : fp32_false_true;
  const [no = 0, yes = 1] = numbers.length > 0 ? numbers : bool_false_true.map(Number);
  return { input, kind, datatype: controlDatatype(control), values: [no, yes] };
}

const controlDatatype = ({ int32_false_true, fp32_false_true }: ControlConfig) =>
  int32_false_true.length > 0 ? 'INT32' : fp32_false_true.length > 0 ? 'FP32' : 'BOOL';

const CONTROLS = {
  CONTROL_SEQUENCE_START: 'start',
  CONTROL_SEQUENCE_END: 'end',
  CONTROL_SEQUENCE_READY: 'ready',
  CONTROL_SEQUENCE_CORRID: 'correlation-id',
} as const satisfies Record<SequenceControlKind, SequenceControl['kind']>;

const milliseconds = (microseconds: Int64): number => Number(microseconds) / 1_000;

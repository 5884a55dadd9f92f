import type { ModelDynamicBatching, ModelQueuePolicy, ModelSequenceBatching } from '../../core/model/model-config.js';
import type { QueuePolicy, SchedulingOptions } from '../../core/model/scheduling.js';
import type { Partly } from '../layouts/triton/model-config-schema.js';

/** The options of a class in the words of a configuration, for clients that ask how a model takes requests. */

export function dynamicBatchingOf({
  batching,
  queue = {},
}: SchedulingOptions): Partly<ModelDynamicBatching> | undefined {
  if (batching === undefined) return undefined;
  const { priorityLevels = 0, defaultPriority = priorityLevels, policies = {} } = queue;
  const byLevel = Object.entries(policies).map(([level, policy]) => [level, policyOf(policy)]);
  return {
    preferred_batch_size: batching.preferredSizes ?? [],
    max_queue_delay_microseconds: microseconds(batching.maxDelayMs),
    preserve_ordering: batching.preserveOrdering ?? false,
    priority_levels: priorityLevels,
    default_priority_level: defaultPriority,
    default_queue_policy: policyOf(queue),
    priority_queue_policy: Object.fromEntries(byLevel) as Record<string, Partly<ModelQueuePolicy>>,
  };
}

const policyOf = ({ maxSize, timeoutMs, onTimeout, allowTimeoutOverride }: QueuePolicy): Partly<ModelQueuePolicy> => ({
  timeout_action: onTimeout === 'delay' ? 'DELAY' : 'REJECT',
  default_timeout_microseconds: microseconds(timeoutMs),
  allow_timeout_override: allowTimeoutOverride ?? false,
  max_queue_size: Math.min(maxSize ?? 0, MAX_UINT32),
});

export function sequenceBatchingOf({ sequence }: SchedulingOptions): Partly<ModelSequenceBatching> | undefined {
  if (sequence === undefined) return undefined;
  const { idleMs, maxSequences = 0 } = sequence;
  return {
    max_sequence_idle_microseconds: microseconds(idleMs),
    oldest: { max_candidate_sequences: Math.min(maxSequences, MAX_INT32) },
  };
}

/** The largest value of the fields that count sequences. */
const MAX_INT32 = 2 ** 31 - 1;

/** The largest value of the fields that count what waits. */
const MAX_UINT32 = 2 ** 32 - 1;

const microseconds = (ms = 0): number => Math.min(Math.round(ms * 1_000), Number.MAX_SAFE_INTEGER);

import type { ModelConfig, ModelDynamicBatching, ModelQueuePolicy } from '../../../../core/model/model-config.js';
import { batchLimit } from './batch-limit.js';
import { preferredProblems } from './preferred-sizes.js';
import { sequenceProblems } from './sequence.js';

const SCHEDULERS = ['dynamic_batching', 'sequence_batching', 'ensemble_scheduling'] as const;

/** What is wrong with the dynamic batcher or the sequence batcher of a configuration. */
export function* schedulingProblems(config: ModelConfig): Generator<string> {
  const chosen = SCHEDULERS.filter((scheduler) => config[scheduler] !== undefined);
  if (chosen.length > 1) yield `scheduling_choice: holds ${chosen.join(' and ')}: keep one of them`;
  const { dynamic_batching, sequence_batching } = config;
  if (dynamic_batching !== undefined) yield* dynamicProblems(dynamic_batching, batchLimit(config));
  if (sequence_batching !== undefined) yield* sequenceProblems(sequence_batching, batchLimit(config));
}

function* dynamicProblems(batching: ModelDynamicBatching, maxBatchSize: number): Generator<string> {
  const { preferred_batch_size, priority_levels: levels, default_priority_level: level } = batching;
  yield* preferredProblems('dynamic_batching', preferred_batch_size, maxBatchSize);
  if (levels > 0 && (level < 1 || level > levels)) {
    yield (
      `dynamic_batching.default_priority_level: ${level} is none of the ${levels} priority_levels: ` +
      `use one in range [1, ${levels}]`
    );
  }
  const policies = Object.entries(batching.priority_queue_policy);
  for (const [key] of policies) {
    if (Number(key) < 1 || Number(key) > levels) {
      yield (
        `dynamic_batching.priority_queue_policy: ${key} is none of the ${levels} priority_levels: ` +
        (levels > 0 ? `use levels in range [1, ${levels}]` : 'set priority_levels, or use default_queue_policy')
      );
    }
  }
  if (!batching.preserve_ordering) return;
  if (levels > 1) {
    yield `dynamic_batching.preserve_ordering: true does not go with ${levels} priority_levels: use one level`;
  }
  for (const policy of [batching.default_queue_policy, ...policies.map(([, policy]) => policy)]) {
    if (delays(policy))
      yield 'dynamic_batching.preserve_ordering: true does not go with timeout_action DELAY: use REJECT';
  }
}

const delays = (policy: ModelQueuePolicy | undefined): boolean =>
  policy?.timeout_action === 'DELAY' && Number(policy.default_timeout_microseconds) > 0;

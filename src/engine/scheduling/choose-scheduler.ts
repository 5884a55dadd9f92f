import type { SchedulingOptions } from '../../core/model/scheduling.js';
import type { RunnableModel } from '../execution/runnable-model.js';
import { DirectScheduler } from './direct-scheduler.js';
import { DynamicBatcher } from './dynamic-batcher/dynamic-batcher.js';
import { RaggedLayout } from './dynamic-batcher/ragged-layout.js';
import { RaggedModel } from './dynamic-batcher/ragged-model.js';
import { SequenceBatcher } from './sequence-batcher/sequence-batcher.js';
import type { Scheduler } from './scheduler.js';

/** The scheduler that a model's options ask for. */
export function chooseScheduler(
  model: RunnableModel,
  { batching, ragged, sequence, queue = {} }: SchedulingOptions,
): Scheduler {
  if (sequence !== undefined && !model.decoupled) return new SequenceBatcher(model, sequence, queue);
  if (batching === undefined || model.decoupled) return new DirectScheduler(model, queue);
  if (ragged === undefined) return new DynamicBatcher(model, batching, queue);
  return new DynamicBatcher(new RaggedModel(model, ragged), batching, queue, new RaggedLayout(ragged));
}

import type { SchedulingOptions } from '../../core/model/scheduling.js';
import type { ModelHandle } from '../registry/model-handle.js';
import { DirectScheduler } from './direct-scheduler.js';
import type { Scheduler } from './scheduler.js';

/** The scheduler that a model's options ask for. */
export function chooseScheduler(handle: ModelHandle, { queue = {} }: SchedulingOptions): Scheduler {
  return new DirectScheduler(handle, queue);
}

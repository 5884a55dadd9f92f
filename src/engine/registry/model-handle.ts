import type { QueueOptions } from '../../core/model/scheduling.js';
import type { OpenedModel } from '../execution/model-opener.js';
import { RunnableModel } from '../execution/runnable-model.js';
import { chooseScheduler } from '../scheduling/choose-scheduler.js';
import type { Scheduler, WhatWaits } from '../scheduling/scheduler.js';

/** A loaded version of a model with its scheduler: what requests run on. */
export class ModelHandle extends RunnableModel {
  readonly scheduler: Scheduler;

  /** `queue` holds for a model that asks for none of its own. */
  constructor(
    name: string,
    version: string,
    readonly platform: string,
    opened: OpenedModel,
    queue: QueueOptions,
  ) {
    super(name, version, opened);
    const { scheduling } = opened;
    this.scheduler = chooseScheduler(this, { ...scheduling, queue: withDefaults(scheduling?.queue ?? {}, queue) });
  }

  /** Lets the running requests finish, then releases the model; in a hurry without the runs that nobody waits for. */
  async release(waiting: WhatWaits, hurry: AbortSignal): Promise<void> {
    await this.scheduler.stop(waiting);
    await this.settled(hurry);
    await this.model.unload?.();
  }
}

/** A priority that has a policy of its own waits within the same bounds, where that says nothing of them. */
function withDefaults(queue: QueueOptions, defaults: QueueOptions): QueueOptions {
  const policies = Object.entries(queue.policies ?? {}).map(([level, policy]) => [
    level,
    { maxSize: defaults.maxSize, ...policy },
  ]);
  return { ...defaults, ...queue, ...(policies.length > 0 ? { policies: Object.fromEntries(policies) } : {}) };
}

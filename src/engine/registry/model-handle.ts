import type { ServedModel } from '../../core/inference/stage.js';
import type { QueueOptions } from '../../core/model/scheduling.js';
import type { ServableModel } from '../../core/model/provider.js';
import type { NamedSpec } from '../../core/model/signature.js';
import { unlessAborted } from '../execution/abort.js';
import { InProcessExecutor } from '../execution/in-process-executor.js';
import type { ModelExecutor } from '../execution/model-executor.js';
import type { OpenedModel } from '../execution/model-opener.js';
import { chooseScheduler } from '../scheduling/choose-scheduler.js';
import type { Scheduler, WhatWaits } from '../scheduling/scheduler.js';

/** A loaded version of a model: what requests run on. */
export class ModelHandle implements ServedModel {
  readonly inputs: readonly NamedSpec[];
  readonly outputs: readonly NamedSpec[];
  readonly model: ServableModel;
  readonly executor: ModelExecutor;
  readonly outputNames: ReadonlySet<string>;
  readonly scheduler: Scheduler;
  private readonly abandoned = new Set<Promise<unknown>>();

  constructor(
    readonly name: string,
    readonly version: string,
    readonly platform: string,
    { inputs, outputs, model, executor, scheduling }: OpenedModel,
    queue: QueueOptions,
  ) {
    this.inputs = inputs;
    this.outputs = outputs;
    this.model = model;
    this.executor = executor ?? new InProcessExecutor(model);
    this.outputNames = new Set(outputs.map((spec) => spec.name));
    this.scheduler = chooseScheduler(this, { ...scheduling, queue: { ...queue, ...scheduling?.queue } });
  }

  /** Whether one request may be answered by any number of responses. */
  get decoupled(): boolean {
    return this.executor.infer === undefined;
  }

  /** Keeps the model from being released under a run whose caller has gone. */
  abandon(run: Promise<unknown>): void {
    const ended: Promise<unknown> = run.catch(() => undefined).finally(() => this.abandoned.delete(ended));
    this.abandoned.add(ended);
  }

  /** Lets the running requests finish, then releases the model; in a hurry without the runs that nobody waits for. */
  async release(waiting: WhatWaits, hurry: AbortSignal): Promise<void> {
    await this.scheduler.stop(waiting);
    await unlessAborted(Promise.all(this.abandoned), hurry).catch(() => undefined);
    await this.model.unload?.();
  }
}

import type { InferenceCall } from '../../../core/inference/call.js';
import type { InferenceResponse } from '../../../core/inference/response.js';
import type { QueueOptions, SequenceBatching } from '../../../core/model/scheduling.js';
import type { SequencedRequest } from '../../execution/request-context.js';
import { DirectScheduler } from '../direct-scheduler.js';
import { DynamicBatcher } from '../dynamic-batcher/dynamic-batcher.js';
import type { Scheduler, WhatWaits } from '../scheduler.js';
import type { SequenceControls } from './sequence-controls.js';
import type { SequencedModel } from './sequenced-model.js';
import { SlotLayout, type SlottedRequest } from './slot-layout.js';

/**
 * Where the requests of sequences run, once it is their turn. For a model that is told which rows are ready there are as
 * many batchers as instances, each of which gives every slot a row of its own; else the rows of a batch are whose they
 * happen to be.
 */
export class SequenceRuns {
  private readonly schedulers: readonly Scheduler[];
  private readonly hasRows: boolean;

  constructor(
    model: SequencedModel,
    maxBatchSize: number,
    options: SequenceBatching,
    queue: QueueOptions,
    controls: SequenceControls,
  ) {
    const { strategy = 'direct' } = options;
    const { notReady } = controls;
    this.hasRows = strategy === 'direct' && maxBatchSize > 1 && notReady !== undefined;
    const batching = {
      ...(strategy === 'oldest' ? options : fullEnough(options, maxBatchSize)),
      maxSize: maxBatchSize,
    };
    const instances = Math.max(1, model.executor.free);
    if (maxBatchSize === 0) this.schedulers = [new DirectScheduler(model, queue)];
    else if (!this.hasRows) this.schedulers = [new DynamicBatcher(model, batching, queue)];
    else {
      const layout = new SlotLayout(notReady ?? {});
      this.schedulers = Array.from({ length: instances }, () => new DynamicBatcher(model, batching, queue, layout));
    }
  }

  /** Slots take turns on the instances, so that few sequences make small batches. */
  enqueue(request: SequencedRequest, slot: number, call: InferenceCall): Promise<InferenceResponse> {
    const count = this.schedulers.length;
    const placed = this.hasRows ? ({ ...request, row: Math.floor(slot / count) } satisfies SlottedRequest) : request;
    return (this.schedulers[slot % count] as Scheduler).enqueue(placed, call);
  }

  stop(waiting: WhatWaits): void {
    for (const scheduler of this.schedulers) void scheduler.stop(waiting);
  }
}

/** From so many rows on a batch does not wait for more; by default none does. */
function fullEnough({ minSlotUse = 0, maxDelayMs }: SequenceBatching, maxBatchSize: number) {
  if (minSlotUse <= 0) return {};
  const enough = Math.max(1, Math.ceil(minSlotUse * maxBatchSize));
  return { maxDelayMs, preferredSizes: Array.from({ length: maxBatchSize - enough + 1 }, (_, more) => enough + more) };
}

import type { InferenceCall } from '../../core/inference/call.js';
import type { InferenceRequest } from '../../core/inference/request.js';
import type { InferenceResponse } from '../../core/inference/response.js';
import type { QueueOptions } from '../../core/model/scheduling.js';
import { execute } from '../execution/executor.js';
import { executeStream } from '../execution/stream-executor.js';
import type { RunnableModel } from '../execution/runnable-model.js';
import { InFlight, outOfOrder, unloading } from './in-flight.js';
import { RequestQueue } from './queue/request-queue.js';
import type { Scheduler, WhatWaits } from './scheduler.js';

/** Runs each request by itself, as soon as an instance of the model is free. */
export class DirectScheduler implements Scheduler {
  private readonly queue: RequestQueue;
  private readonly requests = new InFlight();
  /** Requests that were admitted and have not reached the executor yet. */
  private admitted = 0;

  constructor(
    private readonly model: RunnableModel,
    options: QueueOptions,
  ) {
    this.queue = new RequestQueue(options);
    model.executor.onChange(() => this.dispatch());
  }

  get inFlight(): number {
    return this.requests.count;
  }

  async enqueue(request: InferenceRequest, call: InferenceCall): Promise<InferenceResponse> {
    this.requests.enter();
    try {
      if (!this.isFree) await this.wait(request, call);
      return await execute(this.model, request, call);
    } finally {
      this.leave();
    }
  }

  async *stream(request: InferenceRequest, call: InferenceCall): AsyncGenerator<InferenceResponse, void> {
    this.requests.enter();
    try {
      if (!this.isFree) await this.wait(request, call);
      yield* executeStream(this.model, request, call);
    } finally {
      this.leave();
    }
  }

  stop(waiting: WhatWaits): Promise<void> {
    const stopped = this.requests.stop();
    if (waiting === 'is refused') this.queue.refuseAll(unloading);
    return stopped;
  }

  /** A request may end without having taken the instance that it was admitted to. */
  private leave(): void {
    this.requests.leave();
    if (this.queue.size > 0) this.dispatch();
  }

  private get isFree(): boolean {
    return this.queue.size === 0 && this.model.executor.free > this.admitted;
  }

  private async wait(request: InferenceRequest, call: InferenceCall): Promise<void> {
    const { executor } = this.model;
    if (executor.outage !== undefined) throw outOfOrder(this.model);
    const queued = performance.now();
    await new Promise<void>((admit, refuse) => this.queue.add({ request, call, admit, refuse }));
    this.admitted--;
    call.timings.queueNs += (performance.now() - queued) * 1e6;
  }

  private dispatch(): void {
    const { executor } = this.model;
    if (executor.outage !== undefined) this.queue.refuseAll(() => outOfOrder(this.model));
    for (let next = this.queue.head; next !== undefined && executor.free > this.admitted; next = this.queue.head) {
      this.queue.take(next);
      this.admitted++;
      next.admit();
    }
  }
}

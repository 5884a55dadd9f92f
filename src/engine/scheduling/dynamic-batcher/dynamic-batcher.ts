import type { InferenceCall } from '../../../core/inference/call.js';
import { departureOf, unwatch, watch } from '../../../core/inference/watched-call.js';
import type { InferenceRequest } from '../../../core/inference/request.js';
import type { InferenceResponse } from '../../../core/inference/response.js';
import type { BatchingOptions, QueueOptions } from '../../../core/model/scheduling.js';
import type { RunnableModel } from '../../execution/runnable-model.js';
import { InFlight, outOfOrder, unloading } from '../in-flight.js';
import { RequestQueue, type WaitingRequest } from '../queue/request-queue.js';
import type { Scheduler, WhatWaits } from '../scheduler.js';
import { type BatchLayout, ROWS } from './batch-layout.js';
import { runBatch } from './batch-run.js';
import { type Batchable, type BatchPolicy, formBatch, rowsOf } from './form-batch.js';

/** A request on its way into a batch, and through it; it watches its caller while it runs. */
class Member implements WaitingRequest, Batchable {
  place: WaitingRequest['place'];
  rows = 0;
  kind = '';
  queuedAt = performance.now();
  private isOver = false;

  constructor(
    readonly request: InferenceRequest,
    readonly call: InferenceCall,
    private readonly requests: InFlight,
    private readonly resolve: (response: InferenceResponse) => void,
    private readonly reject: (reason: Error) => void,
  ) {}

  admit(): void {
    // A batch takes its requests out of the queue by itself.
  }

  respond(response: InferenceResponse): void {
    if (this.isEnded()) return;
    this.resolve(response);
  }

  refuse(reason: Error): void {
    if (this.isEnded()) return;
    this.reject(reason);
  }

  /** The caller has gone while the batch runs. */
  handleEvent(): void {
    this.refuse(departureOf(this.call) as Error);
  }

  private isEnded(): boolean {
    const { isOver } = this;
    if (!isOver) this.requests.leave();
    this.isOver = true;
    return isOver;
  }
}

/**
 * Merges requests of one kind into batches, up to the largest size, or a preferred one, or what has come within the
 * delay; the way is Triton's dynamic batcher's. A batch that fails is run again request by request, so that one bad
 * row fails its own caller alone; a model that is batched must bear that.
 */
export class DynamicBatcher implements Scheduler {
  private readonly queue: RequestQueue;
  private readonly requests = new InFlight();
  private readonly policy: BatchPolicy;
  private readonly delayMs: number;
  private readonly preservesOrder: boolean;
  /** Whether the signature leaves nothing open that requests could differ in, but for their rows and parameters. */
  private readonly isOfOneKind: boolean;
  /** Requests of a batch that failed; each runs by itself, before the others. */
  private readonly again: Member[] = [];
  private planned: NodeJS.Immediate | undefined;
  private delayed: NodeJS.Timeout | undefined;
  private flushing = false;
  /** Settles with the response before, where order is kept. */
  private lastResponse: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly model: RunnableModel,
    { maxSize, preferredSizes = [], maxDelayMs = 0, preserveOrdering = false }: BatchingOptions,
    queue: QueueOptions,
    private readonly layout: BatchLayout = ROWS,
  ) {
    this.queue = new RequestQueue(queue);
    this.policy = { maxSize, preferredSizes: new Set(preferredSizes) };
    this.delayMs = maxDelayMs;
    this.preservesOrder = preserveOrdering;
    this.isOfOneKind = model.inputs.every(({ optional, shape }) => !optional && !shape.includes(-1, 1));
    model.executor.onChange(() => this.dispatch());
  }

  get inFlight(): number {
    return this.requests.count;
  }

  enqueue(request: InferenceRequest, call: InferenceCall): Promise<InferenceResponse> {
    try {
      this.requests.enter();
    } catch (refusal) {
      return Promise.reject(refusal);
    }
    const response = new Promise<InferenceResponse>((resolve, reject) => {
      this.take(new Member(request, call, this.requests, resolve, reject));
    });
    return this.preservesOrder ? this.inOrder(response) : response;
  }

  stream(): never {
    throw new TypeError(`model '${this.model.name}' is batched, and gives one response to each request`);
  }

  stop(waiting: WhatWaits): Promise<void> {
    const stopped = this.requests.stop();
    if (waiting === 'is refused') this.queue.refuseAll(unloading);
    this.flushing = true;
    this.dispatch();
    return stopped;
  }

  private take(member: Member): void {
    try {
      if (this.model.executor.outage !== undefined) throw outOfOrder(this.model);
      member.rows = rowsOf(member.request);
      if (!this.isOfOneKind || member.request.parameters.size > 0) member.kind = this.layout.kindOf(member.request);
      this.queue.add(member);
      this.plan();
    } catch (thrown) {
      member.refuse(thrown as Error);
    }
  }

  private async inOrder(response: Promise<InferenceResponse>): Promise<InferenceResponse> {
    const before = this.lastResponse;
    this.lastResponse = Promise.allSettled([before, response]);
    response.catch(() => undefined);
    await before;
    return response;
  }

  /** Requests that come in the same turn of the event loop find each other, however short the delay. */
  private plan(): void {
    this.planned ??= setImmediate(() => {
      this.planned = undefined;
      this.dispatch();
    });
  }

  private dispatch(): void {
    clearTimeout(this.delayed);
    const { executor } = this.model;
    if (executor.outage !== undefined) return this.refuseAll();
    while (executor.free > 0) {
      const members = this.next();
      if (members.length === 0) return;
      void this.run(members);
    }
  }

  /** The requests that run now, taken out of the queue; none while it is worth waiting for more. */
  private next(): readonly Member[] {
    for (let failed = this.again.shift(); failed !== undefined; failed = this.again.shift()) {
      const gone = departureOf(failed.call);
      if (gone === undefined) return [failed];
      failed.refuse(gone);
    }
    const waiting = this.queue.front(this.policy.maxSize) as readonly Member[];
    const [first] = waiting;
    if (first === undefined) return [];
    const waitedMs = performance.now() - first.queuedAt;
    const overdue = this.flushing || waitedMs >= this.delayMs;
    const { requests, isComplete } = formBatch(waiting, this.policy, overdue);
    if (!isComplete) {
      this.comeBack(this.delayMs - waitedMs);
      return [];
    }
    for (const member of requests) this.queue.take(member);
    return requests;
  }

  /** Timers count whole milliseconds; for less the event loop is asked at each of its turns. */
  private comeBack(inMs: number): void {
    if (inMs < 1) this.plan();
    else this.delayed = setTimeout(() => this.dispatch(), inMs);
  }

  private async run(members: readonly Member[]): Promise<void> {
    const now = performance.now();
    for (const { call, queuedAt } of members) call.timings.queueNs += (now - queuedAt) * 1e6;
    for (const member of members) watch(member.call, member);
    const running = runBatch(this.model, members, this.layout);
    // Callers are answered when they go; the run is left to finish.
    this.model.abandon(running);
    try {
      const responses = await running;
      for (const [index, member] of members.entries()) member.respond(responses[index] as InferenceResponse);
    } catch (failure) {
      this.failed(members, failure as Error);
    } finally {
      for (const member of members) unwatch(member.call, member);
    }
  }

  private failed(members: readonly Member[], failure: Error): void {
    if (members.length === 1 || this.model.executor.outage !== undefined) {
      for (const member of members) member.refuse(failure);
      return;
    }
    const queuedAt = performance.now();
    for (const member of members) {
      member.queuedAt = queuedAt;
      this.again.push(member);
    }
    this.dispatch();
  }

  private refuseAll(): void {
    this.queue.refuseAll(() => outOfOrder(this.model));
    for (const member of this.again.splice(0)) member.refuse(outOfOrder(this.model));
  }
}

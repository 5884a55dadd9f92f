import { Logger } from '@nestjs/common';
import { unavailable } from '../../../core/errors/catalogue.js';
import type { CallTimings } from '../../../core/inference/call.js';
import type { BatchedRequest, InferContext, RunContext } from '../../../core/inference/context.js';
import type { LoadedModel } from '../../../core/runtime/model-runtime.js';
import type { NamedTensors } from '../../../core/tensor/tensor.js';
import type { ModelExecutor } from '../model-executor.js';
import type { RequestFacts, RunRequest, RunResult, Started, StartRequest } from './exchange/messages.js';
import { packInputs, unpackTensors } from './exchange/packed-tensors.js';
import { type Lease, type SpawnThread, ThreadSlot } from './thread-slot.js';
import { ThreadEnded } from './worker-thread.js';

export interface WorkerThreadsExecutorOptions {
  readonly spawn: SpawnThread;
  readonly start: Omit<StartRequest, 'flag' | 'sequence' | 'measure'>;
  readonly size: number;
}

/** Runs a model in threads of its own, one request in each at a time; a thread that ends fails its request alone. */
export class WorkerThreadsExecutor implements ModelExecutor {
  declare readonly infer?: NonNullable<ModelExecutor['infer']>;
  declare readonly stream?: NonNullable<ModelExecutor['stream']>;
  private readonly logger = new Logger('WorkerThreads');
  private readonly slots: readonly ThreadSlot[];
  private readonly listeners = new Set<() => void>();
  private readonly name: string;
  private readonly version: string;
  private started: Started | undefined;

  constructor({ spawn, start, size }: WorkerThreadsExecutorOptions) {
    this.name = start.name;
    this.version = start.version;
    this.slots = Array.from(
      { length: size },
      () =>
        new ThreadSlot({
          spawn,
          start,
          onChange: () => this.changed(),
          onFailure: (failure, retryInMs) => this.report(failure, retryInMs),
        }),
    );
  }

  /** Starts one thread, to see what it opens. Throws what kept its model from being loaded. */
  async startFirst(signal: AbortSignal, measure: boolean): Promise<Started> {
    const [first] = this.slots;
    if (first === undefined) throw new RangeError('a pool has at least one thread');
    this.started = await first.start(signal, measure);
    Object.assign(this, this.started.decoupled ? { stream: this.runStream.bind(this) } : { infer: this.runInfer });
    return this.started;
  }

  /** Starts the others. Throws when one fails; those that came up are there to be unloaded. */
  async startOthers(signal: AbortSignal): Promise<void> {
    const [, ...others] = this.slots;
    const starts = await Promise.allSettled(others.map((slot) => slot.start(signal)));
    const failed = starts.find((start) => start.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /** The model as the loader sees it: it is loaded and warm already. */
  get loaded(): LoadedModel {
    const { inputs = [], outputs = [] } = this.started ?? {};
    return { inputs, outputs, model: { unload: () => this.unload() } };
  }

  onChange(listener: () => void): void {
    this.listeners.add(listener);
  }

  get free(): number {
    let free = 0;
    for (const { state } of this.slots) if (state === 'idle') free++;
    return free;
  }

  /** Why no thread is of use, if none is. */
  get outage(): string | undefined {
    if (this.slots.some(({ state }) => state === 'idle' || state === 'busy')) return undefined;
    return this.slots.some(({ state }) => state === 'hung')
      ? 'all its worker threads are held by runs that do not end'
      : 'its worker thread has ended and is being started again';
  }

  private readonly runInfer = async (
    inputs: NamedTensors,
    context: RunContext,
    timings: CallTimings,
  ): Promise<unknown> => {
    const queued = performance.now();
    const lease = this.lease(context.signal);
    try {
      const { tensors, moved } = packInputs(inputs);
      const result = await lease.run('infer', requestOf(lease, context, tensors), moved);
      const answered = performance.now();
      const waitedNs = (answered - queued) * 1e6 - result.computeNs;
      // The hop back counts as one there: the two threads share no clock.
      if (timings.execution !== undefined) timings.execution.inputEnd = answered - result.computeNs / 1e6;
      timings.queueNs += waitedNs;
      timings.computeNs -= waitedNs;
      return outputsOf(result, context);
    } catch (failure) {
      throw this.named(failure);
    } finally {
      lease.giveBack();
    }
  };

  private readonly runStream = async function* (
    this: WorkerThreadsExecutor,
    inputs: NamedTensors,
    context: InferContext,
  ): AsyncGenerator<NamedTensors, void> {
    const lease = this.lease(context.signal);
    try {
      const { tensors, moved } = packInputs(inputs);
      await lease.run('open', requestOf(lease, context, tensors), moved);
      for (;;) {
        const result = await lease.run('next', undefined);
        if (result === undefined) return;
        yield outputsOf(result, context) as NamedTensors;
      }
    } catch (failure) {
      throw this.named(failure);
    } finally {
      // What a generator throws when it is ended early is nobody's any more.
      await lease.run('end', undefined).catch(() => undefined);
      lease.giveBack();
    }
  };

  /** Takes a thread that is free. */
  private lease(signal: AbortSignal): Lease {
    signal.throwIfAborted();
    const slot = this.slots.find(({ state }) => state === 'idle');
    if (slot === undefined) throw unavailable(`model '${this.name}' has no free worker thread`);
    return slot.take(signal);
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }

  private named(failure: unknown): unknown {
    if (!(failure instanceof ThreadEnded)) return failure;
    return unavailable(`model '${this.name}': the worker thread that ran the request has ended`);
  }

  private report(failure: Error, retryInMs: number): void {
    const { name: model, version } = this;
    const { stack } = failure.cause instanceof Error ? failure.cause : failure;
    this.logger.error({ message: `${failure.message}; the next start is in ${retryInMs} ms`, model, version }, stack);
  }

  /** Lets what runs finish, unloads the model in each thread and ends the threads. Throws what an `unload` threw. */
  private async unload(): Promise<void> {
    const closed = await Promise.allSettled(this.slots.map((slot) => slot.close()));
    const failed = closed.find((close) => close.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }
}

const requestOf = ({ sequence }: Lease, context: RunContext, inputs: RunRequest['inputs']): RunRequest => ({
  sequence,
  inputs,
  isBatch: 'requests' in context,
  requests: contextsOf(context).map(factsOf),
});

const contextsOf = (context: RunContext): readonly (InferContext | BatchedRequest)[] =>
  'requests' in context ? context.requests : [context];

function factsOf(context: InferContext | BatchedRequest): RequestFacts {
  const { id, deadline, parameters, principal } = context;
  return {
    id,
    deadline,
    parameters,
    principal: principal === undefined ? undefined : { name: principal.name, roles: [...principal.roles] },
    rows: 'rows' in context ? context.rows : 0,
  };
}

function outputsOf({ outputs, parameters }: RunResult, context: RunContext): unknown {
  for (const [index, { response }] of contextsOf(context).entries()) {
    for (const [key, value] of parameters[index] ?? []) response.parameters.set(key, value);
  }
  return outputs === undefined ? undefined : unpackTensors(outputs);
}

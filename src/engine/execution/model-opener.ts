import { availableParallelism } from 'node:os';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { LoadContext } from '../../core/inference/context.js';
import type { ContentType } from '../../core/model/content-types.js';
import type { WorkerThreads } from '../../core/model/execution.js';
import type { ModelConfig } from '../../core/model/model-config.js';
import type { SchedulingOptions } from '../../core/model/scheduling.js';
import type { LoadedModel, ThreadedModel } from '../../core/runtime/model-runtime.js';
import type { ModelExecutor } from './model-executor.js';
import type { TensorAdaptation } from './tensor-adaptation.js';
import { Turns } from './turns.js';
import type { WarmUpSample } from './warm-up.js';
import type { ThreadSource } from './worker-threads/exchange/messages.js';
import { WorkerThread } from './worker-threads/worker-thread.js';
import { WorkerThreadsExecutor } from './worker-threads/worker-threads-executor.js';

/** A model that is open, wherever it runs. */
export interface OpenedModel extends LoadedModel {
  /** Runs it in other threads. Default: it runs in this one. */
  readonly executor?: ModelExecutor;
  /** How requests wait for it. Default: they run at once, or as soon as a thread is free. */
  readonly scheduling?: SchedulingOptions | undefined;
  /** Where the model's own tensors are not those of the signature. Default: they are. */
  readonly adaptation?: TensorAdaptation | undefined;
  /** What it runs on before it is ready, after its own warm-up. Default: nothing. */
  readonly samples?: readonly WarmUpSample[] | undefined;
  /** The content type of inputs that have none of their own. Default: none. */
  readonly contentType?: ContentType | undefined;
  /** What it says of itself, complete. */
  readonly config?: ModelConfig | undefined;
}

interface Pool {
  readonly source: ThreadSource;
  readonly size: number;
  readonly maxHeapMb?: number | undefined;
  readonly inlineUnderNs?: number | undefined;
}

/** Opens models where they want to run: in this thread, or in threads of their own. */
@Injectable()
export class ModelOpener implements OnApplicationShutdown {
  private readonly logger = new Logger('ModelOpener');
  private readonly opening = new Set<Promise<unknown>>();
  /** A repository may hold hundreds: a thread for each at once would leave no memory to any. */
  private readonly turns = new Turns(availableParallelism());
  private hasWarned = false;

  /** What a runtime made of an artifact. A model that is too quick for threads is opened here after all. */
  async openArtifact(loaded: LoadedModel | ThreadedModel, context: LoadContext): Promise<OpenedModel> {
    if (!('open' in loaded)) return loaded;
    const { module, options, size, inlineUnderNs, open } = loaded;
    if (!canRunInThreads(module)) return open(context);
    const pool: Pool = { source: { kind: 'runtime', module, options }, size, inlineUnderNs };
    return (await this.turns.take(() => this.openPool(pool, context))) ?? open(context);
  }

  /** A class behind `@Model`, whose instance in this thread only serves where threads cannot. */
  async openClass(
    inProcess: LoadedModel,
    execution: WorkerThreads | undefined,
    context: LoadContext,
  ): Promise<OpenedModel> {
    if (execution === undefined) return inProcess;
    const { module, size, maxHeapMb } = execution;
    if (canRunInThreads(module)) {
      return (await this.openPool({ source: { kind: 'class', module }, size, maxHeapMb }, context)) ?? inProcess;
    }
    this.warnOnce(context.name);
    return inProcess;
  }

  /** Native code that still loads a model would take the process down. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.allSettled(this.opening);
  }

  private async openPool(pool: Pool, context: LoadContext): Promise<OpenedModel | undefined> {
    const opening = startPool(pool, context);
    this.opening.add(opening);
    return opening.finally(() => this.opening.delete(opening));
  }

  private warnOnce(model: string): void {
    if (this.hasWarned) return;
    this.hasWarned = true;
    this.logger.warn({
      message: 'models run in this process: threads cannot load TypeScript, only what is built',
      model,
    });
  }
}

/** Threads load what is built: neither the sources of the server, nor those of a model. */
const canRunInThreads = (module: string): boolean => ![import.meta.url, module].some((url) => /\.[cm]?tsx?$/.test(url));

/** `undefined` for a model whose runs are too short for a hop between threads. */
async function startPool(pool: Pool, { name, version, signal }: LoadContext): Promise<OpenedModel | undefined> {
  signal.throwIfAborted();
  const { source, size, maxHeapMb, inlineUnderNs } = pool;
  const executor = new WorkerThreadsExecutor({
    spawn: ({ onEnd }) => new WorkerThread({ onEnd, maxHeapMb }),
    start: { source, name, version },
    size,
  });
  const { runNs = Infinity } = await executor.startFirst(signal, inlineUnderNs !== undefined);
  const { loaded } = executor;
  try {
    signal.throwIfAborted();
    if (inlineUnderNs !== undefined && runNs < inlineUnderNs) {
      await loaded.model.unload?.();
      return undefined;
    }
    await executor.startOthers(signal);
    signal.throwIfAborted();
  } catch (failure) {
    await loaded.model.unload?.();
    throw failure;
  }
  return { ...loaded, executor };
}

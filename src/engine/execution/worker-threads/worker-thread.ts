import { constants } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { unpackError } from '../../../core/errors/packed-error.js';
import type { Answer, TaskName, ThreadTasks } from './exchange/messages.js';

/** Where threads begin: a file of the build, which is not there when the sources are run as they are. */
const ENTRY = new URL('./thread/worker.js', import.meta.url);

/** The thread that ran the task has ended, whatever the reason. */
export class ThreadEnded extends Error {
  override readonly name = 'ThreadEnded';
}

export interface WorkerThreadOptions {
  readonly maxHeapMb?: number | undefined;
  /** Called once, when the thread ends without having been closed. */
  readonly onEnd: (reason: ThreadEnded) => void;
}

/**
 * One worker thread, with one task at a time. It is a pool of one: the pool would start another thread at once, and
 * without its model, so who owns this decides when.
 */
export class WorkerThread {
  private readonly pool: Piscina;
  private worker: Worker | undefined;
  private fail: ((reason: Error) => void) | undefined;
  private reason: Error | undefined;
  private closed = false;

  constructor(private readonly options: WorkerThreadOptions) {
    this.pool = new Piscina({
      filename: ENTRY.href,
      minThreads: 0,
      maxThreads: 1,
      idleTimeout: Infinity,
      // Waiting on shared memory is no faster, and would stop what a model does between its requests.
      atomics: 'disabled',
      recordTiming: false,
      niceIncrement: constants.priority.PRIORITY_BELOW_NORMAL,
      // What the server was started with is not for its threads: conditions would lead them to the sources.
      execArgv: [],
      ...(options.maxHeapMb === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: options.maxHeapMb } }),
    });
    this.pool.on('error', (error) => (this.reason ??= error as Error));
    this.pool.on('workerCreate', (created: object) => this.listenForGarbage(created));
  }

  /** Does a task in the thread. Rejects with what the task threw, or with {@link ThreadEnded}. */
  run<T extends TaskName>(
    name: T,
    request: ThreadTasks[T]['request'],
    moved: ArrayBuffer[] = [],
  ): Promise<ThreadTasks[T]['result']> {
    return new Promise((resolve, reject) => {
      this.fail = reject;
      this.pool.run(request, { name, transferList: moved }).then(
        (answer: Answer<ThreadTasks[T]['result']>) => {
          this.fail = undefined;
          if (answer.ok) resolve(answer.value);
          else reject(unpackError(answer.error));
        },
        // When the thread has ended, its exit tells more.
        (error: unknown) => (this.pool.threads.length === 0 ? undefined : reject(error as Error)),
      );
      this.watch();
    });
  }

  /** Ends the thread, which must be idle: one that runs native code takes the process with it. */
  async close(): Promise<void> {
    this.closed = true;
    await this.pool.close();
  }

  /** The pool starts its thread with the first task. */
  private watch(): void {
    if (this.worker !== undefined) return;
    [this.worker] = this.pool.threads;
    this.worker?.once('error', (error) => (this.reason = error));
    this.worker?.once('exit', (code) => this.ended(code));
  }

  private ended(code: number): void {
    if (this.closed) return;
    const why = this.reason === undefined ? '' : `: ${this.reason.message}`;
    const ended = new ThreadEnded(`the worker thread ended with code ${code}${why}`, { cause: this.reason });
    this.fail?.(ended);
    this.options.onEnd(ended);
  }

  /**
   * An answer that cannot be read would be waited for for ever: the pool hears of it as little as its caller. The
   * thread is idle then, so it can be ended.
   */
  private listenForGarbage(created: object): void {
    portOf(created)?.once('messageerror', (error) => {
      this.reason = error as Error;
      void this.worker?.terminate();
    });
  }
}

/** The port of a pool's thread, which the pool keeps behind a symbol of its own. */
export function portOf(created: object): NodeJS.EventEmitter | undefined {
  const symbols = Object.getOwnPropertySymbols(created);
  const parts = symbols.map(
    (symbol) => (created as Record<symbol, { port?: NodeJS.EventEmitter } | undefined>)[symbol],
  );
  return parts.find((part) => part?.port !== undefined)?.port;
}

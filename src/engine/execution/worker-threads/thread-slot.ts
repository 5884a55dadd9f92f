import { createFlag, raiseFlag } from './exchange/abort-flag.js';
import type { Started, StartRequest, TaskName, ThreadTasks } from './exchange/messages.js';
import { ThreadEnded, type WorkerThread, type WorkerThreadOptions } from './worker-thread.js';

const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 10_000;

/** No request has this number. */
const NOBODY = 0;

/** A run that goes on for so long after its caller has gone is taken to hang. */
const HANGING_AFTER_MS = 10_000;

/** Makes a thread; a spec makes one that is none. */
export type SpawnThread = (options: Pick<WorkerThreadOptions, 'onEnd'>) => Pick<WorkerThread, 'run' | 'close'>;

export interface ThreadSlotOptions {
  readonly spawn: SpawnThread;
  /** What every thread of the slot starts with. */
  readonly start: Omit<StartRequest, 'flag' | 'sequence' | 'measure'>;
  /** Called when the slot may have become free, or has ceased to be of use. */
  readonly onChange: () => void;
  /** Called when the thread has ended, or cannot start again. */
  readonly onFailure: (failure: Error, retryInMs: number) => void;
}

/** A slot in the hands of one request. */
export interface Lease {
  /** The number of the request, by which the thread knows its abort. */
  readonly sequence: number;
  /** Does a task in the thread. Rejects with {@link ThreadEnded} once the thread that was taken has ended. */
  run<T extends TaskName>(
    name: T,
    request: ThreadTasks[T]['request'],
    moved?: ArrayBuffer[],
  ): Promise<ThreadTasks[T]['result']>;
  giveBack(): void;
}

/** `hung`: the thread is up, but its run does not end. `down`: it is started again, after a while. `closed`: there is none. */
export type SlotState = 'starting' | 'idle' | 'busy' | 'hung' | 'down' | 'closed';

/** The place of one thread: when the thread ends, another one takes it, after a pause that doubles. */
export class ThreadSlot {
  state: SlotState = 'closed';
  private thread: ReturnType<SpawnThread> | undefined;
  private readonly flag = createFlag();
  private sequence = 0;
  private holder = NOBODY;
  private delay = FIRST_DELAY_MS;
  private timer: NodeJS.Timeout | undefined;
  private idle: (() => void) | undefined;

  constructor(private readonly options: ThreadSlotOptions) {}

  /** The first start. Throws what the model threw; then there is nothing to close. */
  async start(signal: AbortSignal, measure = false): Promise<Started> {
    this.state = 'starting';
    try {
      const started = await this.launch(measure, signal);
      this.state = 'idle';
      return started;
    } catch (failure) {
      this.state = 'closed';
      await this.end();
      throw failure;
    }
  }

  /** Takes the slot for one request. */
  take(signal: AbortSignal): Lease {
    const sequence = ++this.sequence;
    this.holder = sequence;
    this.state = 'busy';
    const abort = (): void => {
      raiseFlag(this.flag, sequence, signal.reason);
      this.timer = setTimeout(() => this.become('hung'), HANGING_AFTER_MS).unref();
    };
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    return {
      sequence,
      run: (name, request, moved) => this.run(sequence, name, request, moved),
      giveBack: () => {
        signal.removeEventListener('abort', abort);
        if (this.holder === sequence) this.free();
      },
    };
  }

  /** Waits until the thread is idle, however long that takes, unloads its model and ends it. */
  async close(): Promise<void> {
    clearTimeout(this.timer);
    if (this.state === 'busy' || this.state === 'hung' || this.state === 'starting') {
      await new Promise<void>((resolve) => (this.idle = resolve));
    }
    clearTimeout(this.timer);
    const up = this.state === 'idle';
    this.state = 'closed';
    try {
      if (up) await this.thread?.run('unload', undefined);
    } finally {
      await this.end();
    }
  }

  private async run<T extends TaskName>(
    sequence: number,
    name: T,
    request: ThreadTasks[T]['request'],
    moved?: ArrayBuffer[],
  ): Promise<ThreadTasks[T]['result']> {
    if (this.holder !== sequence || this.thread === undefined) throw new ThreadEnded('the worker thread has ended');
    try {
      return await this.thread.run(name, request, moved);
    } finally {
      if (this.holder === sequence) this.delay = FIRST_DELAY_MS;
    }
  }

  private free(): void {
    clearTimeout(this.timer);
    this.holder = NOBODY;
    if (this.idle === undefined) return this.become('idle');
    // Closed next, and no request gets in between.
    this.state = 'idle';
    this.idle();
  }

  private async launch(measure: boolean, signal?: AbortSignal): Promise<Started> {
    const sequence = ++this.sequence;
    const abort = (): void => raiseFlag(this.flag, sequence, signal?.reason);
    if (signal?.aborted === true) abort();
    signal?.addEventListener('abort', abort, { once: true });
    const thread = this.options.spawn({ onEnd: (reason) => this.ended(thread, reason) });
    this.thread = thread;
    try {
      return await thread.run('start', { ...this.options.start, flag: this.flag, sequence, measure });
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** A thread that ends while it starts is noticed by who starts it. */
  private ended(thread: ReturnType<SpawnThread>, reason: ThreadEnded): void {
    if (thread !== this.thread || this.state === 'closed' || this.state === 'starting') return;
    clearTimeout(this.timer);
    this.retryLater(reason);
  }

  private retryLater(failure: Error): void {
    this.thread = undefined;
    this.holder = NOBODY;
    this.options.onFailure(failure, this.delay);
    this.timer = setTimeout(() => void this.restart(), this.delay).unref();
    this.delay = Math.min(2 * this.delay, MAX_DELAY_MS);
    this.become('down');
    this.idle?.();
  }

  private async restart(): Promise<void> {
    this.state = 'starting';
    try {
      await this.launch(false);
    } catch (failure) {
      await this.end();
      return this.retryLater(failure as Error);
    }
    this.free();
  }

  private become(state: SlotState): void {
    this.state = state;
    this.options.onChange();
  }

  private async end(): Promise<void> {
    const { thread } = this;
    this.thread = undefined;
    await thread?.close();
  }
}

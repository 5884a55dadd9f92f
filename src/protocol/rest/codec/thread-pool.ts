import { type ResourceLimits, Worker } from 'node:worker_threads';
import { ServingError } from '../../../core/errors/serving-error.js';
import { unavailable } from '../../../core/errors/catalogue.js';
import type { CodecJob, CodecResult, Posted } from './codec-jobs.js';

interface Task extends Posted<CodecJob> {
  readonly resolve: (result: CodecResult) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * A few threads that work on one job each. They start when they are first needed, do not keep the process alive, and
 * are replaced when they die; the job that one dies of fails.
 */
export class ThreadPool {
  private readonly idle: Worker[] = [];
  private readonly busy = new Map<Worker, Task>();
  private readonly waiting = new Set<Task>();
  private closed = false;

  constructor(
    private readonly entry: URL,
    private readonly size: number,
    private readonly limits: ResourceLimits = {},
  ) {}

  /** The threads that run. */
  get threads(): readonly Worker[] {
    return [...this.idle, ...this.busy.keys()];
  }

  /** Rejects with the signal's reason when that aborts; a job that still waits is then never begun. */
  async run(job: Posted<CodecJob>, signal: AbortSignal): Promise<CodecResult> {
    signal.throwIfAborted();
    if (this.closed) throw closing();
    return new Promise<CodecResult>((resolve, reject) => {
      const task: Task = { ...job, resolve: settled(resolve), reject: settled(reject) };
      const give = (): void => {
        this.waiting.delete(task);
        task.reject(signal.reason);
      };
      function settled<T>(settle: (value: T) => void): (value: T) => void {
        return (value) => {
          signal.removeEventListener('abort', give);
          settle(value);
        };
      }
      signal.addEventListener('abort', give);
      this.waiting.add(task);
      this.next();
    });
  }

  /** Ends all threads; jobs that are not done fail. */
  async close(): Promise<void> {
    this.closed = true;
    for (const task of [...this.waiting, ...this.busy.values()]) task.reject(closing());
    this.waiting.clear();
    await Promise.all(this.threads.map((thread) => thread.terminate()));
  }

  private next(): void {
    const [task] = this.waiting;
    if (task === undefined) return;
    const thread = this.idle.pop() ?? (this.busy.size < this.size ? this.start() : undefined);
    if (thread === undefined) return;
    this.waiting.delete(task);
    this.busy.set(thread, task);
    thread.postMessage(task.message, task.moved);
  }

  private start(): Worker {
    const thread = new Worker(this.entry, { resourceLimits: this.limits });
    thread.unref();
    let failure: unknown;
    thread.on('message', (result: CodecResult) => {
      this.release(thread)?.resolve(result);
      this.idle.push(thread);
      this.next();
    });
    thread.on('error', (error) => {
      failure = error;
    });
    thread.once('exit', () => {
      if (this.idle.includes(thread)) this.idle.splice(this.idle.indexOf(thread), 1);
      this.release(thread)?.reject(died(failure));
      this.next();
    });
    return thread;
  }

  private release(thread: Worker): Task | undefined {
    const task = this.busy.get(thread);
    this.busy.delete(thread);
    return task;
  }
}

const closing = (): ServingError => unavailable('The server is shutting down and has stopped accepting new requests.');

function died(cause: unknown): ServingError {
  return (cause as NodeJS.ErrnoException | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY'
    ? new ServingError(
        'resource-exhausted',
        'the JSON of the request takes more memory than there is: send binary tensor data',
      )
    : new ServingError('unavailable', 'the thread that read or wrote the JSON has ended: try again', {
        retryAfterMs: 1_000,
        cause,
      });
}

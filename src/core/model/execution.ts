/** Off the event loop: a model with worker threads of its own. */
export interface WorkerThreads {
  readonly place: 'worker-threads';
  /** The URL of the file that exports the model's class. */
  readonly module: string;
  readonly size: number;
  readonly maxHeapMb: number | undefined;
}

export interface WorkerThreadsOptions {
  /** `import.meta.url`, written in the file that exports the model's class. */
  readonly module: string;
  /** The number of threads, from 1 to 64. Each runs one request at a time, on its own instance. Default: 1. */
  readonly size?: number;
  /** The JavaScript heap that ends a thread when it needs more, in MiB. Default: Node's own limit. */
  readonly maxHeapMb?: number;
}

export const MAX_THREADS = 64;

/**
 * Runs a model in worker threads, so that it computes beside the event loop. Each thread makes an instance of its own,
 * with its own `load`, `warmup` and `unload`: the class is exported from its file, its constructor takes nothing, and
 * the file imports `#core` and never Nest.
 *
 * Outputs are handed over to the server, not copied: the model returns fresh tensors, never one that it keeps. A
 * request of a caller who is gone leaves the queue; one that runs is left to finish, and its result is dropped: until
 * then `signal.aborted` tells the model, even in a loop that never awaits. A thread that ends fails its request with
 * `unavailable`, and is started again.
 *
 * Throws a `TypeError` for a module that is no file URL, or a number out of range.
 *
 * @example
 * const fractal = signature({ inputs: { center: fp32(2) }, outputs: { iterations: fp32(2) } });
 *
 * \@Model('fractal', fractal, { execution: workerThreads({ module: import.meta.url, size: 4 }) })
 * export class FractalModel {
 *   infer({ center }: Inputs<typeof fractal>) {
 *     return { iterations: center.map((value) => value * 2) };
 *   }
 * }
 */
export function workerThreads({ module, size = 1, maxHeapMb }: WorkerThreadsOptions): WorkerThreads {
  if (!module.startsWith('file:')) throw new TypeError(`workerThreads: '${module}' is no file: use import.meta.url`);
  if (!Number.isInteger(size) || size < 1 || size > MAX_THREADS) {
    throw new TypeError(`workerThreads: size is an integer from 1 to ${MAX_THREADS}, got ${size}`);
  }
  if (maxHeapMb !== undefined && !(maxHeapMb > 0)) {
    throw new TypeError(`workerThreads: maxHeapMb is a number above 0, got ${maxHeapMb}`);
  }
  return { place: 'worker-threads', module, size, maxHeapMb };
}

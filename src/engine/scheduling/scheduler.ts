/** Decides when a request runs. Three verbs; each way of scheduling is one class. */
export interface Scheduler {
  /** Runs the work when its turn comes; rejects at once with `unavailable` when the scheduler has stopped. */
  enqueue<T>(work: () => Promise<T> | T): Promise<T>;
  /** How many requests run or wait. */
  readonly inFlight: number;
  /** Takes nothing more; resolves when what runs is done. */
  stop(): Promise<void>;
}

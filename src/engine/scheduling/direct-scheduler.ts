import { unavailable } from '../../core/errors/catalogue.js';
import type { Scheduler } from './scheduler.js';

/** Runs every request at once. */
export class DirectScheduler implements Scheduler {
  private running = 0;
  private stopped: Promise<void> | undefined;
  private idle: (() => void) | undefined;

  get inFlight(): number {
    return this.running;
  }

  async enqueue<T>(work: () => Promise<T> | T): Promise<T> {
    if (this.stopped !== undefined) throw unavailable('the model is being unloaded and takes no more requests');
    this.running++;
    try {
      return await work();
    } finally {
      this.running--;
      if (this.running === 0) this.idle?.();
    }
  }

  stop(): Promise<void> {
    this.stopped ??= this.running === 0 ? Promise.resolve() : new Promise((resolve) => (this.idle = resolve));
    return this.stopped;
  }
}

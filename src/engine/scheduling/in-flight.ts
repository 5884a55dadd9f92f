import { unavailable } from '../../core/errors/catalogue.js';
import type { RunnableModel } from '../execution/runnable-model.js';

/** Counts the requests of a scheduler, and tells when the last one is done. */
export class InFlight {
  private requests = 0;
  private stopping: Promise<void> | undefined;
  private idle: (() => void) | undefined;

  get count(): number {
    return this.requests;
  }

  /** Throws `unavailable` once the scheduler has stopped. */
  enter(): void {
    if (this.stopping !== undefined) throw unloading();
    this.requests++;
  }

  leave(): void {
    this.requests--;
    if (this.requests === 0) this.idle?.();
  }

  /** Lets nobody in any more; resolves when all have left. */
  stop(): Promise<void> {
    this.stopping ??= this.requests === 0 ? Promise.resolve() : new Promise((resolve) => (this.idle = resolve));
    return this.stopping;
  }
}

export const unloading = () => unavailable('the model is being unloaded and takes no more requests');

export const outOfOrder = ({ name, executor }: RunnableModel) =>
  unavailable(`model '${name}' is not ready: ${executor.outage ?? ''}`);

import { LiveSet, type Placed } from '../../call/live-set.js';

/** A call that waits for its client: for the rest of a request, or for a reply to be taken. */
export interface WatchedCall extends Placed {
  /** Until when the client has time, in milliseconds since the epoch. */
  readonly until: number;
  /** Called once when that has passed. */
  expire(): void;
}

const MAX_INTERVAL_MS = 1_000;

/**
 * Ends calls whose clients neither send nor read: without a deadline of their own these would last as long as their
 * connection. One timer looks after all calls; it runs while there are any.
 */
export class CallWatch {
  private readonly calls = new LiveSet<WatchedCall>();
  private timer: NodeJS.Timeout | undefined;
  private readonly intervalMs: number;

  /** Looks often enough to be a quarter late at most for the shortest of these times. */
  constructor(shortestMs: number) {
    this.intervalMs = Math.max(1, Math.min(MAX_INTERVAL_MS, shortestMs / 4));
  }

  add(call: WatchedCall): void {
    this.calls.add(call);
    this.timer ??= setInterval(() => this.look(), this.intervalMs).unref();
  }

  delete(call: WatchedCall): void {
    this.calls.delete(call);
  }

  private look(): void {
    if (this.calls.size === 0) {
      clearInterval(this.timer);
      this.timer = undefined;
      return;
    }
    const now = Date.now();
    for (const call of this.calls.snapshot()) {
      if (call.until > now) continue;
      this.calls.delete(call);
      call.expire();
    }
  }
}

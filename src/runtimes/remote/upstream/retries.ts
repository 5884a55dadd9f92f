import type { CallLimits } from './call-limits.js';

/** Repeats that may be made beyond the share, so that the first calls and rare failures have them too. */
const BURST = 10;

/** How many calls may be repeated: an upstream that fails is not also flooded. */
export class RetryBudget {
  private left: number;

  /** `share` of the calls, from 0 for no repeats to 1. */
  constructor(private readonly share: number) {
    this.left = share > 0 ? BURST : 0;
  }

  /** Counts a call. */
  earn(): void {
    this.left = Math.min(BURST, this.left + this.share);
  }

  /** Takes one repeat, if any is left. */
  take(): boolean {
    if (this.left < 1) return false;
    this.left -= 1;
    return true;
  }
}

const FIRST_DELAY_MS = 25;
const MAX_DELAY_MS = 1_000;

/**
 * The result of the first attempt that succeeds. Rejects with the failure of one that may not be repeated, or behind
 * which the deadline would pass; or with the reason of the signal. `mayRepeat` is told how many repeats there were.
 */
export async function retry<T>(
  attempt: () => Promise<T>,
  mayRepeat: (failure: unknown, repeats: number) => boolean,
  { signal, deadline }: CallLimits,
): Promise<T> {
  for (let repeats = 0; ; repeats++) {
    try {
      return await attempt();
    } catch (failure) {
      const delayMs = delayOf(repeats);
      if (signal.aborted || Date.now() + delayMs >= deadline || !mayRepeat(failure, repeats)) throw failure;
      await pause(delayMs, signal);
    }
  }
}

/** Doubles with each repeat; up to half of it is left out at random, so that callers do not come back all at once. */
const delayOf = (repeats: number): number =>
  Math.min(FIRST_DELAY_MS * 2 ** repeats, MAX_DELAY_MS) * (1 - Math.random() / 2);

/** Resolves after so many milliseconds; rejects with the reason of the signal as soon as it aborts. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    }, milliseconds);
    signal.addEventListener('abort', abort, { once: true });
  });
}

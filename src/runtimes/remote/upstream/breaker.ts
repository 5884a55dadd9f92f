import type { Availability } from '../../../core/runtime/model-runtime.js';

export interface BreakerOptions {
  /** How many failures in a row open it. */
  readonly failures: number;
  /** How long it waits before each probe, in milliseconds. */
  readonly openMs: number;
  /** Rejects unless the model would serve. */
  readonly probe: (signal: AbortSignal) => Promise<unknown>;
}

/**
 * Keeps requests from a model that has failed several times in a row. While it is open, the model is probed from time to
 * time; the first probe that succeeds closes it.
 */
export class Breaker implements Availability {
  private reason: string | undefined;
  private failed = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly stopping = new AbortController();
  private readonly listeners: (() => void)[] = [];

  constructor(private readonly options: BreakerOptions) {}

  get outage(): string | undefined {
    return this.reason;
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  succeeded(): void {
    this.failed = 0;
  }

  /** Counts a failure; the one that opens the breaker gives the reason of the outage. */
  fail(reason: string): void {
    this.failed += 1;
    if (this.reason !== undefined || this.failed < this.options.failures || this.stopping.signal.aborted) return;
    this.change(reason);
    this.wait();
  }

  /** Ends the probes. */
  stop(): void {
    this.stopping.abort();
    clearTimeout(this.timer);
  }

  private wait(): void {
    this.timer = setTimeout(() => void this.probe(), this.options.openMs).unref();
  }

  private async probe(): Promise<void> {
    const { signal } = this.stopping;
    try {
      await this.options.probe(signal);
    } catch {
      if (!signal.aborted) this.wait();
      return;
    }
    if (signal.aborted) return;
    this.failed = 0;
    this.change(undefined);
  }

  private change(reason: string | undefined): void {
    this.reason = reason;
    for (const listener of this.listeners) listener();
  }
}

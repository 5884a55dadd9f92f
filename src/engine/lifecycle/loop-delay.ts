import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';

/** Measures how late timers are, from its start or last reset on. */
export interface DelaySampler {
  start(): void;
  stop(): void;
  /** The 99th percentile, in milliseconds. */
  p99(): number;
  reset(): void;
}

const WINDOW_MS = 1_000;

/** Knows how late the event loop is: what keeps it busy delays every call of the server. */
@Injectable()
export class LoopDelay implements OnApplicationShutdown {
  private sampler: DelaySampler | undefined;
  private measured: ((p99Ms: number) => void) | undefined;
  private timer: NodeJS.Timeout | undefined;
  private last = 0;

  /** The 99th percentile of the delays of the last second, in milliseconds; 0 where nobody watches. */
  get p99Ms(): number {
    return this.last;
  }

  /** Begins to watch, by a sampler of Node.js's own or by the one given; tells each second's delay when it is over. */
  watch(measured?: (p99Ms: number) => void, sampler: DelaySampler = nodeSampler()): void {
    this.stop();
    this.measured = measured;
    this.sampler = sampler;
    sampler.start();
    this.timer = setInterval(() => this.tick(), WINDOW_MS).unref();
  }

  /** Takes the measurement of the second that is over, and begins the next one. */
  tick(): void {
    this.last = this.sampler?.p99() ?? 0;
    this.sampler?.reset();
    this.measured?.(this.last);
  }

  onApplicationShutdown(): void {
    this.stop();
  }

  private stop(): void {
    clearInterval(this.timer);
    this.sampler?.stop();
    this.sampler = undefined;
    this.measured = undefined;
    this.last = 0;
  }
}

const RESOLUTION_MS = 10;

/** The histogram of Node.js counts the time between two of its own timers, which is its resolution where all is well. */
function nodeSampler(): DelaySampler {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  return {
    start: () => void histogram.enable(),
    stop: () => void histogram.disable(),
    p99: () => Math.max(0, histogram.percentile(99) / 1e6 - RESOLUTION_MS),
    reset: () => histogram.reset(),
  };
}

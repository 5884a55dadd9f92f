import type { TraceLevel, TraceValues } from './trace-values.js';

/**
 * What holds for a server or a model until it is changed, and which requests are traced by it. It is replaced as a
 * whole: a trace that has begun goes on as its setting says.
 */
export class TraceSetting {
  private seen = 0;
  /** How many traces were begun. */
  private begun = 0;
  private collected = 0;
  private isRetired = false;

  constructor(
    readonly values: TraceValues,
    /** What was set here; the rest is inherited. */
    readonly own: ReadonlySet<keyof TraceValues>,
  ) {}

  /** How many traces are left to make. */
  get count(): number {
    const { count } = this.values;
    return count < 0 ? count : count - this.begun;
  }

  /** Whether any request may still be traced. */
  get isActive(): boolean {
    return this.values.levels.length > 0 && this.count !== 0;
  }

  /** Whether its traces go into numbered files: so many into each, or all that were asked for into one. */
  get isNumbered(): boolean {
    return this.values.logFrequency > 0 || this.values.count >= 0;
  }

  has(level: TraceLevel): boolean {
    return this.values.levels.includes(level);
  }

  /** Whether this request is one of those that are traced. */
  sample(): boolean {
    if (!this.isActive) return false;
    this.seen++;
    if (this.seen % this.values.rate !== 0) return false;
    this.begun++;
    return true;
  }

  /** One of its traces is complete. */
  collect(): void {
    this.collected++;
  }

  /** Something else holds from now on. */
  retire(): void {
    this.isRetired = true;
  }

  /** Whether no trace of it will be complete any more. */
  get isFinished(): boolean {
    return (this.isRetired || this.count === 0) && this.collected === this.begun;
  }
}

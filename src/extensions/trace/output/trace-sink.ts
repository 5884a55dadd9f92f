import type { Trace } from '../recording/trace.js';
import type { TraceSetting } from '../settings/trace-setting.js';

/** Where complete traces go. Takes them at once, and works on them later; one that fails costs no request. */
export abstract class TraceSink {
  /** Throws an `Error` that says what to configure, where the sink cannot take traces. */
  abstract assertReady(): void;
  /** What it tells of itself among the settings. */
  abstract describe(logFrequency: number): Readonly<Record<string, readonly string[]>>;
  abstract accept(trace: Trace): void;
  /** The setting has been replaced: no traces come of it but those that have begun. */
  abstract release(setting: TraceSetting): void;
  /** Resolves when all that was accepted has gone. */
  abstract end(): Promise<void>;
}

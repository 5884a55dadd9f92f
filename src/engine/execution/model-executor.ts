import type { CallTimings } from '../../core/inference/call.js';
import type { InferContext, RunContext } from '../../core/inference/context.js';
import type { NamedTensors } from '../../core/tensor/tensor.js';

/** Runs a loaded model, wherever it lives: one class for each place. */
export interface ModelExecutor {
  /**
   * Runs one request, or one batch, on an instance that is free. The caller races what it returns with the signal; a run that nobody
   * waits for is left to finish. May move time that the request spent on its way from `computeNs` to `queueNs`. Absent
   * for a decoupled model.
   */
  readonly infer?: (inputs: NamedTensors, context: RunContext, timings: CallTimings) => unknown;
  /** Runs one request on a decoupled model; its instance is taken with the first step. */
  readonly stream?: (
    inputs: NamedTensors,
    context: InferContext,
  ) => AsyncIterable<NamedTensors> | Iterable<NamedTensors> | undefined;
  /** How many more requests the model can run now. */
  readonly free: number;
  /** Why the model cannot run requests for now; `undefined` while it can. */
  readonly outage: string | undefined;
  /** Calls the listener when an instance has become free, and when {@link outage} has begun or ended. */
  onChange(listener: () => void): void;
}

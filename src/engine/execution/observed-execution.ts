import { toServingError } from '../../core/errors/catalogue.js';
import type { CallTimings } from '../../core/inference/call.js';
import { Execution, type ObservedInference } from '../../core/inference/inference-observer.js';

/** Notes that one request begins to run by itself. */
export function beginExecution(timings: CallTimings, { model, rows }: ObservedInference, now: number): void {
  timings.execution = new Execution(model, rows, now);
}

/** Tells the observers what became of the run; `failure` is what was thrown, if anything was. */
export function endExecution(timings: CallTimings, observed: ObservedInference, now: number, failure: unknown): void {
  const { execution } = timings;
  if (execution === undefined) return;
  timings.execution = undefined;
  execution.end = now;
  if (failure !== undefined) execution.failure = toServingError(failure);
  observed.execution = execution;
  observed.observer.executed(execution);
}

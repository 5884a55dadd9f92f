import { toServingError } from '../../../core/errors/catalogue.js';
import type { InferenceCall } from '../../../core/inference/call.js';
import { Execution } from '../../../core/inference/inference-observer.js';

interface Member {
  readonly call: InferenceCall;
  readonly rows: number;
}

/** The run of a batch as its observers see it; `undefined` where nobody observes. */
export function beginBatch(members: readonly Member[], now: number): Execution | undefined {
  const observed = members[0]?.call.timings.observed;
  if (observed === undefined) return undefined;
  let rows = 0;
  for (const member of members) rows += member.rows;
  return new Execution(observed.model, rows, now);
}

/** Tells the observers once what became of the batch, and each request which run it was in. */
export function endBatch(members: readonly Member[], execution: Execution, now: number, failure: unknown): void {
  execution.end = now;
  if (failure !== undefined) execution.failure = toServingError(failure);
  for (const { call } of members) {
    if (call.timings.observed !== undefined) call.timings.observed.execution = execution;
  }
  members[0]?.call.timings.observed?.observer.executed(execution);
}

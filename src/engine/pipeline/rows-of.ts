import type { InferenceRequest } from '../../core/inference/request.js';
import type { ServedModel } from '../../core/inference/served-model.js';

/** How many rows a request has along the batch dimension; 1 where the model has none. */
export function rowsOf({ maxBatchSize }: ServedModel, { inputs, shared }: InferenceRequest): number {
  if (maxBatchSize === 0) return 1;
  for (const name in inputs) {
    const rows = inputs[name]?.shape[0];
    if (rows !== undefined) return rows;
  }
  return shared?.inputs[0]?.shape[0] ?? 1;
}

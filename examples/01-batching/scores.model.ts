import { type BatchContext, fp32, type Inputs, Model, signature } from '#core';

const scores = signature({ inputs: { x: fp32(-1, 4) }, outputs: { score: fp32(-1) } });

const WEIGHTS = [0.5, -1, 2, 0.25];

/** A linear score of each row; the rows of requests that come together are scored together. */
@Model('scores', scores, { batching: { maxSize: 32, maxDelayMs: 5 }, queue: { maxSize: 1_000, timeoutMs: 500 } })
export class ScoresModel {
  infer({ x }: Inputs<typeof scores>, { requests }: Pick<BatchContext, 'requests'>) {
    for (const { response } of requests) response.parameters.set('merged', requests.length);
    const rows = x.data.length / WEIGHTS.length;
    return {
      score: fp32.of(
        [rows],
        Float32Array.from({ length: rows }, (_, row) => scoreOf(x.data, row)),
      ),
    };
  }
}

function scoreOf(values: Float32Array, row: number): number {
  const features = values.subarray(row * WEIGHTS.length, (row + 1) * WEIGHTS.length);
  return WEIGHTS.reduce((sum, weight, column) => sum + weight * (features[column] ?? 0), 0);
}

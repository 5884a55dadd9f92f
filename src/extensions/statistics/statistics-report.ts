import type { ServedModel } from '../../core/inference/served-model.js';
import type { ComputeStatistics, ModelStatistics, ResponseStatistics } from './model-statistics.js';

/** The message `ModelStatistics`, in the order in which Triton writes its fields. */
export function reportOf({ name, version }: ServedModel, statistics: ModelStatistics) {
  const { inferenceCount, executionCount, success, fail, queue, cacheHit, cacheMiss, compute } = statistics;
  return {
    name,
    version,
    last_inference: epochMs(statistics.lastInference),
    inference_count: inferenceCount,
    execution_count: executionCount,
    inference_stats: {
      success: success.toJSON(),
      fail: fail.toJSON(),
      queue: queue.toJSON(),
      ...computeOf(compute),
      cache_hit: cacheHit.toJSON(),
      cache_miss: cacheMiss.toJSON(),
    },
    response_stats: Object.fromEntries(statistics.responses.map((each, index) => [String(index), responseOf(each)])),
    batch_stats: [...statistics.batches]
      .sort(([one], [other]) => one - other)
      .map(([rows, each]) => ({ batch_size: rows, ...computeOf(each) })),
    // No runtime here can tell what a model takes up.
    memory_usage: [],
  };
}

export type StatisticsReport = ReturnType<typeof reportOf>;

const computeOf = ({ input, infer, output }: ComputeStatistics) => ({
  compute_input: input.toJSON(),
  compute_infer: infer.toJSON(),
  compute_output: output.toJSON(),
});

const responseOf = (response: ResponseStatistics) => ({
  compute_infer: response.computeInfer.toJSON(),
  compute_output: response.computeOutput.toJSON(),
  success: response.success.toJSON(),
  fail: response.fail.toJSON(),
  empty_response: response.emptyResponse.toJSON(),
  cancel: response.cancel.toJSON(),
});

/** By the clock of the system, which may have been set since the server started. */
const epochMs = (moment: number): number => (moment === 0 ? 0 : Math.round(Date.now() - (performance.now() - moment)));

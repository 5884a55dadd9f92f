/** What is wrong with the sizes that a batcher prefers. */
export function* preferredProblems(field: string, sizes: readonly number[], maxBatchSize: number): Generator<string> {
  const wrong = sizes.find((size) => size < 1 || size > maxBatchSize);
  if (wrong === undefined) return;
  yield wrong < 1
    ? `${field}.preferred_batch_size: ${wrong} is no size: preferred sizes must be positive`
    : `${field}.preferred_batch_size: ${wrong} is over max_batch_size ${maxBatchSize}: prefer smaller sizes, or raise it`;
}

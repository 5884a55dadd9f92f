export const median = (values) => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** The nearest rank in an array that is sorted. */
export const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];

/** p50, p99 and the largest of some durations, in their own unit. */
export function summarize(durations) {
  const sorted = Float64Array.from(durations).sort();
  return { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99), max: sorted.at(-1) };
}

/** Of runs with the same numbers in them: each number's median. */
export const medians = (runs) =>
  Object.fromEntries(Object.keys(runs[0]).map((key) => [key, median(runs.map((run) => run[key]))]));

/**
 * Measures every subject once a round. They take turns, and another one begins each round, so that what slows the
 * machine down for a while slows all of them down.
 */
export async function inTurns(subjects, rounds, measure) {
  const runs = subjects.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < subjects.length; turn++) {
      const index = (round + turn) % subjects.length;
      runs[index].push(await measure(subjects[index], round));
    }
  }
  return runs.map(medians);
}

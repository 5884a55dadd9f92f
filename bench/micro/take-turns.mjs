import { median } from '../harness/statistics.mjs';

/**
 * Runs some functions in turns, so many times in each round after one round that does not count; gives the medians of
 * the microseconds that one run of each takes. A function that gives a promise is waited for.
 */
export async function takeTurns(functions, { rounds, times }) {
  const took = Object.fromEntries(Object.keys(functions).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, run] of Object.entries(functions)) {
      const start = performance.now();
      for (let index = 0; index < times; index++) {
        const result = run(index);
        if (result instanceof Promise) await result;
      }
      if (round > 0) took[name].push(((performance.now() - start) * 1_000) / times);
    }
  }
  return Object.fromEntries(Object.entries(took).map(([name, values]) => [name, median(values)]));
}

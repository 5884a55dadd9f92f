import type { RunContext } from './context.js';

/** The outputs that any caller of a run wants; empty for all. */
export function wantedOutputs(context: RunContext): readonly string[] {
  if (!('requests' in context)) return context.outputs ?? [];
  const wanted = new Set<string>();
  for (const { outputs } of context.requests) {
    if (outputs === undefined) return [];
    for (const output of outputs) wanted.add(output);
  }
  return [...wanted];
}

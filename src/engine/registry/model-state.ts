/** Where a version of a model stands. */
export type ModelState =
  | { readonly kind: 'loading' }
  /** `reason` tells of a reload that failed while this version kept serving. */
  | { readonly kind: 'ready'; readonly reason?: string }
  | { readonly kind: 'unloading' }
  | { readonly kind: 'unavailable'; readonly reason: string };

const NEXT: Readonly<Record<ModelState['kind'], readonly ModelState['kind'][]>> = {
  loading: ['ready', 'unavailable'],
  ready: ['ready', 'unloading'],
  unloading: ['unavailable'],
  unavailable: ['loading'],
};

/** Refuses a step that no lifecycle takes: a programming error, not a caller's. */
export function assertTransition(from: ModelState, to: ModelState): void {
  if (!NEXT[from.kind].includes(to.kind)) throw new Error(`a model cannot go from ${from.kind} to ${to.kind}`);
}

/** The reason of a version that was unloaded on request; clients match on it. */
export const UNLOADED = 'unloaded';

import type { InferenceRequest } from '../../../core/inference/request.js';

/** What a batch is made of. */
export interface Batchable {
  readonly rows: number;
  /** Requests of the same kind can be merged. */
  readonly kind: string;
}

export interface BatchPolicy {
  readonly maxSize: number;
  readonly preferredSizes: ReadonlySet<number>;
}

export interface Batch<T> {
  readonly requests: readonly T[];
  /** Whether waiting for longer would make it no better. */
  readonly isComplete: boolean;
}

/**
 * The next batch of what waits: from the front, as long as the requests are of one kind and their rows fit. A request
 * that does not fit ends the batch, so that nobody is overtaken. `overdue` says that the first one has waited enough:
 * then a larger batch comes before a preferred one.
 */
export function formBatch<T extends Batchable>(waiting: Iterable<T>, policy: BatchPolicy, overdue: boolean): Batch<T> {
  const { maxSize, preferredSizes } = policy;
  const requests: T[] = [];
  let rows = 0;
  let preferred = 0;
  let ended = false;
  for (const request of waiting) {
    const first = requests[0];
    if (first !== undefined && (request.kind !== first.kind || rows + request.rows > maxSize)) {
      ended = true;
      break;
    }
    requests.push(request);
    rows += request.rows;
    if (preferredSizes.has(rows)) preferred = requests.length;
    if (rows >= maxSize) break;
  }
  if (preferred > 0 && !overdue) return { requests: requests.slice(0, preferred), isComplete: true };
  return { requests, isComplete: overdue || ended || rows >= maxSize };
}

/** What decides how a request waits says nothing of how it runs. */
const OF_THE_SCHEDULER = new Set(['priority', 'timeout', 'sequence_id', 'sequence_start', 'sequence_end']);

/** How many rows a request has; its inputs agree on it, which was checked before. */
export function rowsOf({ inputs }: InferenceRequest): number {
  for (const name in inputs) {
    const tensor = inputs[name];
    if (tensor !== undefined) return tensor.shape[0] ?? 1;
  }
  return 1;
}

const NONE: ReadonlySet<string> = new Set();

/**
 * What two requests share that can run as one: their inputs' names and shapes behind the first dimension, and
 * parameters. Of a `ragged` input the name alone counts.
 */
export function kindOf({ inputs, parameters }: InferenceRequest, ragged = NONE): string {
  let shapes = '';
  for (const name in inputs) {
    const tensor = inputs[name];
    if (tensor === undefined) continue;
    // The length keeps a name apart from what follows it.
    shapes += `${name.length}:${name}`;
    if (!ragged.has(name)) for (let axis = 1; axis < tensor.shape.length; axis++) shapes += `,${tensor.shape[axis]}`;
    shapes += ';';
  }
  if (parameters.size === 0) return shapes;
  const told = [...parameters].flatMap(([key, value]) =>
    OF_THE_SCHEDULER.has(key) ? [] : [[key, typeof value, String(value)]],
  );
  return JSON.stringify([shapes, told.sort(([a = ''], [b = '']) => (a < b ? -1 : 1))]);
}

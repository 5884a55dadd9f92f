import type { ParameterValue } from '../../core/inference/parameters.js';
import type { ServedModel } from '../../core/inference/served-model.js';
import type { Datatype } from '../../core/tensor/datatype.js';
import type { Shape } from '../../core/tensor/shape.js';

/** A response in memory of its own: neither the model that gave it nor a caller who gets it can change it. */
export interface KeptResponse {
  readonly model: string;
  readonly version: string;
  readonly parameters: readonly (readonly [name: string, value: ParameterValue])[];
  readonly outputs: readonly KeptOutput[];
  /** What it takes up, objects included. */
  readonly bytes: number;
}

interface KeptOutput {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: Shape;
  /** The raw contents, in a buffer that holds nothing else. */
  readonly raw: Uint8Array;
}

/** What became of the look-ups and the entries of a cache since it was made. */
export interface CacheCounters {
  readonly hits: number;
  readonly misses: number;
  /** Entries that had to make room for others; not those that were dropped with their model. */
  readonly evictions: number;
  /** What the entries take up now. */
  readonly bytes: number;
}

/**
 * Keeps responses by model and key. The model is the loaded one, not its name: what is loaded anew starts with nothing.
 *
 * Every method answers at once. A request finds its model and enters the model's queue in one go; if it waited for a
 * look-up in between, the model could be unloaded meanwhile, and a request that was accepted would be refused. A store
 * that lies elsewhere therefore needs its answers beforehand: it is a source that fills this cache, not one behind it.
 */
export abstract class ResponseCache {
  /** The largest sum of bytes; 0 keeps nothing, and nobody needs to ask. */
  abstract readonly maxBytes: number;
  abstract readonly counters: CacheCounters;

  /** Counts as a hit or a miss. */
  abstract get(model: ServedModel, key: string): KeptResponse | undefined;

  /** Keeps a response in place of the one before, unless it is larger than the whole cache. */
  abstract set(model: ServedModel, key: string, response: KeptResponse): void;

  /** Forgets the responses of a model that is no longer served. */
  abstract drop(model: ServedModel): void;
}

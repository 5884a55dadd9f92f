import type { ServedModel } from '../core/inference/served-model.js';
import { type CacheCounters, type KeptResponse, ResponseCache } from '../engine/cache/response-cache.js';

/** Keeps whatever it is given, until it is told to drop it. */
export class FakeResponseCache extends ResponseCache {
  readonly kept = new Map<ServedModel, Map<string, KeptResponse>>();
  readonly dropped: ServedModel[] = [];
  private hits = 0;
  private misses = 0;

  constructor(readonly maxBytes: number = Infinity) {
    super();
  }

  get counters(): CacheCounters {
    const entries = [...this.kept.values()].flatMap((responses) => [...responses.values()]);
    const bytes = entries.reduce((sum, response) => sum + response.bytes, 0);
    return { hits: this.hits, misses: this.misses, evictions: 0, bytes };
  }

  get(model: ServedModel, key: string): KeptResponse | undefined {
    const response = this.kept.get(model)?.get(key);
    if (response === undefined) this.misses++;
    else this.hits++;
    return response;
  }

  set(model: ServedModel, key: string, response: KeptResponse): void {
    this.kept.set(model, (this.kept.get(model) ?? new Map<string, KeptResponse>()).set(key, response));
  }

  drop(model: ServedModel): void {
    this.kept.delete(model);
    this.dropped.push(model);
  }
}

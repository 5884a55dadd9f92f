import { Injectable } from '@nestjs/common';
import type { ServedModel } from '../../core/inference/served-model.js';
import { Fifo, type FifoPlace } from '../scheduling/queue/fifo.js';
import { CacheConfig } from './cache.config.js';
import { type CacheCounters, type KeptResponse, ResponseCache } from './response-cache.js';

interface Entry {
  readonly model: ServedModel;
  readonly key: string;
  readonly response: KeptResponse;
  /** Takes it out of the order of use. */
  place: FifoPlace<Entry> | undefined;
}

/** Keeps responses in the memory of the server, up to a number of bytes; what was not used for longest makes room. */
@Injectable()
export class MemoryResponseCache extends ResponseCache {
  readonly maxBytes: number;
  private readonly models = new Map<ServedModel, Map<string, Entry>>();
  /** The one that was not used for longest comes first. */
  private readonly byUse = new Fifo<Entry>();
  private hits = 0;
  private misses = 0;
  private evictions = 0;
  private bytes = 0;

  constructor({ RESPONSE_CACHE_BYTES }: CacheConfig) {
    super();
    this.maxBytes = RESPONSE_CACHE_BYTES;
  }

  get counters(): CacheCounters {
    const { hits, misses, evictions, bytes } = this;
    return { hits, misses, evictions, bytes };
  }

  get(model: ServedModel, key: string): KeptResponse | undefined {
    const entry = this.models.get(model)?.get(key);
    if (entry === undefined) {
      this.misses++;
      return undefined;
    }
    this.hits++;
    entry.place?.leave();
    entry.place = this.byUse.push(entry);
    return entry.response;
  }

  set(model: ServedModel, key: string, response: KeptResponse): void {
    if (response.bytes > this.maxBytes) return;
    const before = this.models.get(model)?.get(key);
    if (before !== undefined) this.remove(before);
    while (this.bytes + response.bytes > this.maxBytes) this.evict();
    const entry: Entry = { model, key, response, place: undefined };
    entry.place = this.byUse.push(entry);
    const entries = this.models.get(model) ?? new Map<string, Entry>();
    this.models.set(model, entries.set(key, entry));
    this.bytes += response.bytes;
  }

  drop(model: ServedModel): void {
    for (const entry of this.models.get(model)?.values() ?? []) this.remove(entry);
  }

  private evict(): void {
    const { head } = this.byUse;
    if (head === undefined) throw new RangeError(`an empty cache holds ${this.bytes} bytes`);
    this.remove(head);
    this.evictions++;
  }

  private remove(entry: Entry): void {
    const { model, key, response, place } = entry;
    const entries = this.models.get(model);
    entries?.delete(key);
    if (entries?.size === 0) this.models.delete(model);
    place?.leave();
    this.bytes -= response.bytes;
  }
}

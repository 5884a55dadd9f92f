import type { RegionLease } from '../../../core/inference/shared-memory.js';
import type { RegionSlice } from '../../../core/inference/shared-tensors.js';
import type { Region } from './region.js';

/** Holds the regions of one request. */
export class ShmLease implements RegionLease {
  private readonly regions = new Map<string, Region>();

  constructor(private readonly find: (name: string) => Region) {}

  /** Throws `not-found`, or `invalid-argument` for a slice beyond its region. */
  hold(slice: RegionSlice): Region {
    const region = this.regions.get(slice.region) ?? this.find(slice.region);
    region.check(slice);
    if (!this.regions.has(slice.region)) {
      this.regions.set(slice.region, region);
      region.take();
    }
    return region;
  }

  read(slice: RegionSlice): Uint8Array | Promise<Uint8Array> {
    return this.hold(slice).read(slice);
  }

  write(slice: RegionSlice, bytes: Uint8Array): void | Promise<void> {
    return this.hold(slice).write(slice, bytes);
  }

  release(): void {
    for (const region of this.regions.values()) region.give();
    this.regions.clear();
  }
}

import { type RegionLease, SharedMemory } from '../core/inference/shared-memory.js';
import type { RegionSlice } from '../core/inference/shared-tensors.js';

/** Has the regions that a test gives it, and counts the leases that are not released. */
export class FakeSharedMemory extends SharedMemory {
  readonly regions = new Map<string, Uint8Array>();
  leases = 0;

  lease(): RegionLease {
    this.leases++;
    return {
      read: (slice) => new Uint8Array(this.bytesOf(slice)),
      write: (slice, bytes) => this.bytesOf(slice).set(bytes),
      release: () => void this.leases--,
    };
  }

  private bytesOf({ region, offset, byteSize }: RegionSlice): Uint8Array {
    return this.regions.get(region)?.subarray(offset, offset + byteSize) ?? new Uint8Array();
  }
}

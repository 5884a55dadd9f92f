import type { InferenceCall } from './call.js';
import type { RegionSlice, SharedTensors } from './shared-tensors.js';

/** The regions that one request uses; none of them goes before the lease is released. */
export interface RegionLease {
  /** The bytes as they are now, in memory of their own; a promise only where that takes a while. */
  read(slice: RegionSlice): Uint8Array | Promise<Uint8Array>;
  /** Puts the bytes, no more than the slice has, at its start. */
  write(slice: RegionSlice, bytes: Uint8Array): void | Promise<void>;
  release(): void;
}

/** Memory that callers share with the server. */
export abstract class SharedMemory {
  /**
   * Holds the regions that a request names, among those of its caller. Throws `not-found` for an unknown region and
   * `invalid-argument` for a slice beyond it.
   */
  abstract lease(tensors: SharedTensors, call: InferenceCall): RegionLease;
}

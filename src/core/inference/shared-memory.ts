import type { Datatype } from '../tensor/datatype.js';
import type { Shape } from '../tensor/shape.js';
import type { InferenceCall } from './call.js';

/** How the parameters of a tensor begin that say where it is. */
export const SHARED_MEMORY_KEYS = 'shared_memory_';

/** A part of a region of memory that a caller shares with the server, both by the name that the caller registered. */
export interface RegionSlice {
  readonly region: string;
  /** In bytes, from the start of the region; a safe integer >= 0, as the size. */
  readonly offset: number;
  readonly byteSize: number;
}

/** An input whose bytes lie in a region: checked against the signature, but not read yet. */
export interface SharedInput {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: Shape;
  readonly slice: RegionSlice;
}

/** An output whose bytes go to a region. */
export interface SharedOutput {
  readonly name: string;
  readonly slice: RegionSlice;
}

/** The tensors of one request that its caller keeps in shared memory. */
export interface SharedTensors {
  readonly inputs: readonly SharedInput[];
  readonly outputs: readonly SharedOutput[];
}

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

import type { Datatype } from '../tensor/datatype.js';
import type { Shape } from '../tensor/shape.js';

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

/** How much a bucket holds, and how fast it fills again. */
export interface BucketSize {
  readonly capacity: number;
  /** Tokens for each millisecond. */
  readonly perMs: number;
}

/** Keeps the buckets of the callers; a store that several replicas share makes the limits theirs together. */
export abstract class TokenBucketStore {
  /**
   * Takes tokens out of a bucket, all or none, and answers with 0; or answers after how many milliseconds they will be
   * there. A bucket that nobody has asked for is full. Never asked for more than the capacity.
   */
  abstract take(key: string, tokens: number, size: BucketSize): number | Promise<number>;
}

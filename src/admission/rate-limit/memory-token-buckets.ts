import { type BucketSize, TokenBucketStore } from './token-bucket-store.js';

interface Bucket {
  tokens: number;
  /** When it held that many. */
  at: number;
}

/** Keeps the buckets of this process. Beyond `maxBuckets` the one that was left alone for longest is forgotten. */
export class MemoryTokenBuckets extends TokenBucketStore {
  /** The one that was asked for last stands last. */
  private readonly buckets = new Map<string, Bucket>();

  constructor(
    private readonly now: () => number = () => performance.now(),
    private readonly maxBuckets = 10_000,
  ) {
    super();
  }

  take(key: string, tokens: number, { capacity, perMs }: BucketSize): number {
    const now = this.now();
    const bucket = this.buckets.get(key) ?? { tokens: capacity, at: now };
    bucket.tokens = Math.min(capacity, bucket.tokens + (now - bucket.at) * perMs);
    bucket.at = now;
    this.touch(key, bucket);
    if (bucket.tokens < tokens) return (tokens - bucket.tokens) / perMs;
    bucket.tokens -= tokens;
    return 0;
  }

  private touch(key: string, bucket: Bucket): void {
    this.buckets.delete(key);
    this.buckets.set(key, bucket);
    const [idlest] = this.buckets.keys();
    if (this.buckets.size > this.maxBuckets && idlest !== undefined) this.buckets.delete(idlest);
  }
}

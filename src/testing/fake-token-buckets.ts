import { type BucketSize, TokenBucketStore } from '../admission/rate-limit/token-bucket-store.js';

/** Keeps what is taken, and answers as a test says, later where it says so. */
export class FakeTokenBuckets extends TokenBucketStore {
  readonly taken: { readonly key: string; readonly tokens: number; readonly size: BucketSize }[] = [];
  /** In milliseconds; 0 lets everyone in. */
  wait: number | Promise<number> = 0;

  take(key: string, tokens: number, size: BucketSize): number | Promise<number> {
    this.taken.push({ key, tokens, size });
    return this.wait;
  }
}

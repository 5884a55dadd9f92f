import { isIPv6 } from 'node:net';

interface Bucket {
  readonly left: number;
  /** When that many were left. */
  readonly at: number;
}

/** As many addresses are remembered; the one that was quiet for longest is forgotten first. */
const MAX_PEERS = 10_000;
const MINUTE_MS = 60_000;

/**
 * Counts failures by address: a bucket that holds a minute's worth, and fills up again evenly. An IPv6 caller has a
 * whole /64 to choose addresses from, so that counts as one.
 */
export class FailureLimiter {
  private readonly buckets = new Map<string, Bucket>();

  constructor(
    /** 0 for any number. */
    private readonly perMinute: number,
    private readonly clock: () => number = Date.now,
  ) {}

  /** In how many milliseconds the peer may fail again; 0 for now. */
  waitMs(peer: string): number {
    if (this.buckets.size === 0) return 0;
    const left = this.leftOf(networkOf(peer));
    return left >= 1 ? 0 : Math.ceil(((1 - left) * MINUTE_MS) / this.perMinute);
  }

  /** Notes a failure. */
  note(peer: string): void {
    if (this.perMinute === 0) return;
    const network = networkOf(peer);
    const left = Math.max(0, this.leftOf(network) - 1);
    this.buckets.delete(network);
    this.buckets.set(network, { left, at: this.clock() });
    if (this.buckets.size <= MAX_PEERS) return;
    const [quietest] = this.buckets.keys();
    if (quietest !== undefined) this.buckets.delete(quietest);
  }

  private leftOf(network: string): number {
    const bucket = this.buckets.get(network);
    if (bucket === undefined) return this.perMinute;
    return Math.min(this.perMinute, bucket.left + ((this.clock() - bucket.at) * this.perMinute) / MINUTE_MS);
  }
}

/** An IPv4 address as it is, also where a socket writes it as IPv6; the first four groups of any other IPv6 address. */
function networkOf(peer: string): string {
  const address = peer.replace(/^::ffff:(?=\d+\.)/i, '');
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length);
  const all = [...groups, ...Array.from({ length: missing }, () => '0'), ...(tail ? tail.split(':') : [])];
  return all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}

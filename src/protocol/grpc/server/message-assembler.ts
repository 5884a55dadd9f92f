import { GatheredBytes } from '../../gathered-bytes.js';

/** Of gRPC: a flag for compression, and four bytes of length. */
export const PREFIX_BYTES = 5;

/**
 * Puts the messages of a call together from what its connection brings. It stands in for grpc-js's own, which keeps an
 * object for every piece however small, and puts messages where their contents can lie: this one ends each message on a
 * boundary of 8 bytes, so that raw contents at its end can be viewed as a tensor without another copy.
 */
export class MessageAssembler {
  private readonly prefix = new Uint8Array(PREFIX_BYTES);
  private prefixLength = 0;
  private message: GatheredBytes | undefined;
  private missing = 0;

  /** `maxBytes` is the longest message, -1 for any. */
  constructor(private readonly maxBytes: number) {}

  /** Takes a piece, and gives the messages that are complete with it, each behind its prefix. Throws for one too long. */
  write(data: Buffer): Buffer[] {
    const messages: Buffer[] = [];
    let at = 0;
    while (at < data.length) {
      if (this.message === undefined) {
        this.prefix[this.prefixLength++] = data[at++] as number;
        if (this.prefixLength < PREFIX_BYTES) continue;
        this.message = this.begin();
      } else {
        const end = Math.min(data.length, at + this.missing);
        this.missing -= end - at;
        this.message.add(data.subarray(at, end));
        at = end;
      }
      if (this.missing > 0) continue;
      messages.push(this.message.end());
      this.message = undefined;
      this.prefixLength = 0;
    }
    return messages;
  }

  private begin(): GatheredBytes {
    const [, a = 0, b = 0, c = 0, d = 0] = this.prefix;
    const length = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
    if (this.maxBytes !== -1 && length > this.maxBytes) {
      throw new Error(`Received message larger than max (${length} vs ${this.maxBytes})`);
    }
    this.missing = length;
    const message = new GatheredBytes(PREFIX_BYTES + length, PREFIX_BYTES + length);
    message.add(this.prefix);
    return message;
  }
}

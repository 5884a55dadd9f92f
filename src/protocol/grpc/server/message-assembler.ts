/** Of gRPC: a flag for compression, and four bytes of length. */
export const PREFIX_BYTES = 5;

/** Pieces below this are joined as they come: each one kept would cost more than its bytes. */
const SMALL_BYTES = 1_024;
const BLOCK_BYTES = 16_384;
const ALIGNMENT = 8;

/**
 * Puts the messages of a call together from what its connection brings. It stands in for grpc-js's own, which keeps an
 * object for every piece however small, and puts messages where their contents can lie: this one ends each message on a
 * boundary of 8 bytes, so that raw contents at its end can be viewed as a tensor without another copy.
 */
export class MessageAssembler {
  private readonly prefix = new Uint8Array(PREFIX_BYTES);
  private prefixLength = 0;
  private missing = 0;
  private pieces: Uint8Array[] = [];
  private block: Uint8Array | undefined;
  private blockStart = 0;
  private blockEnd = 0;

  /** `maxBytes` is the longest message, -1 for any. */
  constructor(private readonly maxBytes: number) {}

  /** Takes a piece, and gives the messages that are complete with it, each behind its prefix. Throws for one too long. */
  write(data: Buffer): Buffer[] {
    const messages: Buffer[] = [];
    let at = 0;
    while (at < data.length) {
      if (this.prefixLength < PREFIX_BYTES) {
        this.prefix[this.prefixLength++] = data[at++] as number;
        if (this.prefixLength === PREFIX_BYTES) this.begin();
      } else {
        const end = Math.min(data.length, at + this.missing);
        this.missing -= end - at;
        this.keep(data.subarray(at, end));
        at = end;
      }
      if (this.prefixLength === PREFIX_BYTES && this.missing === 0) messages.push(this.finish());
    }
    return messages;
  }

  private get length(): number {
    const [, a = 0, b = 0, c = 0, d = 0] = this.prefix;
    return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  }

  private begin(): void {
    const { length, maxBytes } = this;
    if (maxBytes !== -1 && length > maxBytes) {
      throw new Error(`Received message larger than max (${length} vs ${maxBytes})`);
    }
    this.missing = length;
  }

  private keep(piece: Uint8Array): void {
    if (piece.length >= SMALL_BYTES || this.missing === 0) {
      this.flush();
      this.pieces.push(piece);
      return;
    }
    if (this.block === undefined || this.block.length - this.blockEnd < piece.length) {
      this.flush();
      this.block = new Uint8Array(Math.min(BLOCK_BYTES, piece.length + this.missing));
      this.blockStart = this.blockEnd = 0;
    }
    this.block.set(piece, this.blockEnd);
    this.blockEnd += piece.length;
  }

  private flush(): void {
    if (this.block === undefined || this.blockStart === this.blockEnd) return;
    this.pieces.push(this.block.subarray(this.blockStart, this.blockEnd));
    this.blockStart = this.blockEnd;
  }

  private finish(): Buffer {
    this.flush();
    const total = PREFIX_BYTES + this.length;
    const room = Buffer.allocUnsafe(total + ALIGNMENT - 1);
    const start = (ALIGNMENT - ((room.byteOffset + total) % ALIGNMENT)) % ALIGNMENT;
    const message = room.subarray(start, start + total);
    message.set(this.prefix);
    let at = PREFIX_BYTES;
    for (const piece of this.pieces) {
      message.set(piece, at);
      at += piece.length;
    }
    this.pieces = [];
    this.block = undefined;
    this.prefixLength = 0;
    return message;
  }
}

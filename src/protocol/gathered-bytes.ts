/** The largest element of a tensor, in bytes. */
export const ALIGNMENT = 8;

/** As much is reserved for whoever only says how much will come, in bytes. */
const RESERVED_AT_ONCE = 65_536;
/**
 * So many times what has come is reserved of a length that was told; its pages are the system's until they are used.
 * Behind the first 64 KiB of a socket there is room for a tensor of 4 MiB, and what stands before it.
 */
const RESERVED_TIMES = 72;

/**
 * Bytes that come in parts, joined as they arrive. To join a large message at its end would hold the event loop up, for
 * the fresh memory as much as for the copying, and parts that wait for it grow old where the garbage collector looks
 * seldom.
 */
export class GatheredBytes {
  length = 0;
  private bytes: Buffer = Buffer.alloc(0);

  /**
   * @param expected How many will come, 0 where nobody has told.
   * @param aligned The place of the byte that comes to stand at a multiple of eight, where a tensor can begin.
   */
  constructor(
    private readonly expected: number,
    private readonly aligned: number,
  ) {}

  add(part: Uint8Array): void {
    const length = this.length + part.length;
    if (length > this.bytes.length) this.grow(length);
    this.bytes.set(part, this.length);
    this.length = length;
  }

  /** All that has come; nothing may be added after it. */
  end(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  private grow(least: number): void {
    const { bytes, expected } = this;
    const reserved = Math.max(RESERVED_AT_ONCE, RESERVED_TIMES * least);
    // A rest that is no larger is reserved with it: all would have to move for it.
    const size = expected < least ? 2 * least : expected <= 2 * reserved ? expected : reserved;
    this.bytes = allocate(size, this.aligned);
    this.bytes.set(bytes.subarray(0, this.length));
  }
}

function allocate(size: number, aligned: number): Buffer {
  const room = Buffer.allocUnsafe(size + ALIGNMENT - 1);
  const start = (ALIGNMENT - ((room.byteOffset + aligned) % ALIGNMENT)) % ALIGNMENT;
  return room.subarray(start, start + size);
}

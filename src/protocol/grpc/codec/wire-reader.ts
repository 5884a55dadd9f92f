/** The wire types of protobuf that are still written. */
export const VARINT = 0;
export const FIXED64 = 1;
export const LENGTH_DELIMITED = 2;
const START_GROUP = 3;
const END_GROUP = 4;
export const FIXED32 = 5;

/** Deeper than any message of the contracts nests, unknown groups included. */
const MAX_DEPTH = 100;

/**
 * Reads protobuf from a buffer without copying it. Every length is held against what is there before anything is made
 * of it; malformed bytes throw a `RangeError`.
 */
export class WireReader {
  constructor(
    readonly bytes: Buffer,
    public position = 0,
    readonly end = bytes.length,
  ) {}

  get done(): boolean {
    return this.position >= this.end;
  }

  /** A varint that fits 32 bits; the bits beyond are dropped, as the format asks for. */
  uint32(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.byte();
      if (shift < 28) value |= (byte & 0x7f) << shift;
      else if (shift === 28) value |= (byte & 0x0f) << 28;
      if (byte < 0x80) return value >>> 0;
    }
    throw new RangeError('a varint is longer than 10 bytes');
  }

  int32(): number {
    return this.uint32() | 0;
  }

  /** A 64-bit varint as its two halves, the lower one first; cheaper than a bigint where the value is small. */
  private halves(): readonly [low: number, high: number] {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.byte();
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else if (shift < 63) high |= bits << (shift - 32);
      else high |= (bits & 1) << 31;
      if (byte < 0x80) return [low >>> 0, high >>> 0];
    }
    throw new RangeError('a varint is longer than 10 bytes');
  }

  /** A signed 64-bit integer: a number where that is exact, else a bigint. */
  int64(): number | bigint {
    const first = this.bytes[this.position] ?? 0;
    if (first < 0x80 && this.position < this.end) {
      this.position++;
      return first;
    }
    const [low, high] = this.halves();
    if (high < 0x20_0000) return high * 0x1_0000_0000 + low;
    return exact(BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low)));
  }

  /** An unsigned 64-bit integer: a number where that is exact, else a bigint. */
  uint64(): number | bigint {
    const [low, high] = this.halves();
    return high < 0x20_0000 ? high * 0x1_0000_0000 + low : (BigInt(high) << 32n) | BigInt(low);
  }

  bool(): boolean {
    const [low, high] = this.halves();
    return low !== 0 || high !== 0;
  }

  float(): number {
    return this.bytes.readFloatLE(this.take(4));
  }

  double(): number {
    return this.bytes.readDoubleLE(this.take(8));
  }

  string(): string {
    const length = this.uint32();
    const start = this.take(length);
    return this.bytes.toString('utf8', start, start + length);
  }

  /** A view on the bytes of a length-delimited field. */
  slice(): Buffer {
    const length = this.uint32();
    const start = this.take(length);
    return this.bytes.subarray(start, start + length);
  }

  /** A reader of the message in a length-delimited field. */
  message(): WireReader {
    const length = this.uint32();
    const start = this.take(length);
    return new WireReader(this.bytes, start, start + length);
  }

  /** Steps over a field that nobody knows, groups included. */
  skip(wireType: number, depth = 0): void {
    switch (wireType) {
      case VARINT:
        this.halves();
        return;
      case FIXED64:
        this.take(8);
        return;
      case LENGTH_DELIMITED:
        this.take(this.uint32());
        return;
      case FIXED32:
        this.take(4);
        return;
      case START_GROUP:
        if (depth >= MAX_DEPTH) throw new RangeError(`groups nest deeper than ${MAX_DEPTH}`);
        for (let tag = this.uint32(); (tag & 7) !== END_GROUP; tag = this.uint32()) this.skip(tag & 7, depth + 1);
        return;
      default:
        throw new RangeError(`wire type ${wireType} has no meaning here`);
    }
  }

  /** Moves past so many bytes, and gives the position where they begin. */
  private take(length: number): number {
    const start = this.position;
    if (length > this.end - start) throw new RangeError('a field reaches past the end of its message');
    this.position = start + length;
    return start;
  }

  private byte(): number {
    if (this.position >= this.end) throw new RangeError('the message ends within a field');
    return this.bytes[this.position++] ?? 0;
  }
}

const exact = (value: bigint): number | bigint =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;

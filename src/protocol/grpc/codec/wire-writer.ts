import { allocateMessage } from './frame.js';
import { FIXED64, LENGTH_DELIMITED, VARINT } from './wire-reader.js';

/** The bytes that a varint of a number from 0 to 2^53 takes. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

/** The bytes of a length-delimited field: its tag, its length and so many bytes of contents. */
export const fieldSize = (length: number): number => 1 + varintSize(length) + length;

/** Writes protobuf into a buffer that was measured before; every field number of the contracts fits one tag byte. */
export class WireWriter {
  readonly bytes: Buffer;
  private position = 0;

  constructor(size: number) {
    this.bytes = allocateMessage(size);
  }

  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.position++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.bytes[this.position++] = rest;
  }

  varintField(field: number, value: number): void {
    this.bytes[this.position++] = (field << 3) | VARINT;
    this.varint(value);
  }

  /** Any 64-bit integer; a negative one takes its two's complement. */
  bigVarintField(field: number, value: bigint): void {
    this.bytes[this.position++] = (field << 3) | VARINT;
    let rest = BigInt.asUintN(64, value);
    while (rest >= 0x80n) {
      this.bytes[this.position++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.bytes[this.position++] = Number(rest);
  }

  doubleField(field: number, value: number): void {
    this.bytes[this.position++] = (field << 3) | FIXED64;
    this.position = this.bytes.writeDoubleLE(value, this.position);
  }

  /** The tag and length of a field whose contents are written next. */
  header(field: number, length: number): void {
    this.bytes[this.position++] = (field << 3) | LENGTH_DELIMITED;
    this.varint(length);
  }

  stringField(field: number, text: string, length: number): void {
    this.header(field, length);
    this.bytes.write(text, this.position, length, 'utf8');
    this.position += length;
  }

  bytesField(field: number, contents: Uint8Array): void {
    this.header(field, contents.byteLength);
    this.bytes.set(contents, this.position);
    this.position += contents.byteLength;
  }
}

/** The bytes that {@link WireWriter.bigVarintField} writes for the value. */
export function bigVarintSize(value: bigint): number {
  let size = 1;
  for (let rest = BigInt.asUintN(64, value); rest >= 0x80n; rest >>= 7n) size++;
  return size;
}

import { describe, expect, it } from 'vitest';
import {
  bf16,
  bool,
  bytes,
  fp16,
  fp32,
  fp64,
  int16,
  int32,
  int64,
  int8,
  optional,
  uint16,
  uint32,
  uint64,
  uint8,
} from './kinds.js';
import { DATATYPES } from './datatype.js';

const KINDS = [bool, uint8, uint16, uint32, uint64, int8, int16, int32, int64, fp16, bf16, fp32, fp64, bytes];

describe('a kind', () => {
  it('stands for each datatype', () => {
    expect(KINDS.map(({ datatype }) => datatype)).toEqual(Object.keys(DATATYPES));
  });

  it.each(KINDS)('declares a tensor of $datatype', (kind) => {
    expect(kind(-1, 28, 28)).toEqual({ datatype: kind.datatype, shape: [-1, 28, 28], optional: false });
    expect(kind()).toEqual({ datatype: kind.datatype, shape: [], optional: false });
  });

  it('is made optional', () => {
    expect(optional(int64(1))).toEqual({ datatype: 'INT64', shape: [1], optional: true });
  });
});

describe('of', () => {
  it('makes a tensor of the shape and datatype', () => {
    expect(fp32.of([2, 1], [1, 2])).toMatchObject({ datatype: 'FP32', shape: [2, 1], data: Float32Array.of(1, 2) });
  });

  it('refuses a number of values that is not the shape’s', () => {
    expect(() => fp32.of([3], [1, 2])).toThrow(new RangeError('FP32 tensor of shape [3] needs 3 elements, got 2'));
    expect(() => bytes.of([], [])).toThrow(RangeError);
  });

  it('takes an array of the datatype’s own class uncopied', () => {
    const uint8s = Uint8Array.of(1);
    const uint16s = Uint16Array.of(1);
    const uint32s = Uint32Array.of(1);
    const uint64s = BigUint64Array.of(1n);
    const int8s = Int8Array.of(1);
    const int16s = Int16Array.of(1);
    const int32s = Int32Array.of(1);
    const int64s = BigInt64Array.of(1n);
    const fp32s = Float32Array.of(1);
    const fp64s = Float64Array.of(1);
    expect(bool.of([1], uint8s).data).toBe(uint8s);
    expect(uint8.of([1], uint8s).data).toBe(uint8s);
    expect(uint16.of([1], uint16s).data).toBe(uint16s);
    expect(uint32.of([1], uint32s).data).toBe(uint32s);
    expect(uint64.of([1], uint64s).data).toBe(uint64s);
    expect(int8.of([1], int8s).data).toBe(int8s);
    expect(int16.of([1], int16s).data).toBe(int16s);
    expect(int32.of([1], int32s).data).toBe(int32s);
    expect(int64.of([1], int64s).data).toBe(int64s);
    expect(fp16.of([1], uint16s).data).toBe(uint16s);
    expect(bf16.of([1], uint16s).data).toBe(uint16s);
    expect(fp32.of([1], fp32s).data).toBe(fp32s);
    expect(fp64.of([1], fp64s).data).toBe(fp64s);
  });

  it('converts an array of another class', () => {
    expect(fp32.of([2], Float64Array.of(0.1, 2)).data).toEqual(Float32Array.of(0.1, 2));
    expect(int8.of([2], Uint8Array.of(0, 127)).data).toEqual(Int8Array.of(0, 127));
    expect(() => int8.of([1], Uint8Array.of(128))).toThrow(RangeError);
    expect(int64.of([1], BigUint64Array.of(5n)).data).toEqual(BigInt64Array.of(5n));
    expect(() => int64.of([1], BigUint64Array.of(2n ** 63n))).toThrow(RangeError);
  });

  it.each([
    [bool, 0, 1],
    [uint8, 0, 255],
    [uint16, 0, 65_535],
    [uint32, 0, 4_294_967_295],
    [int8, -128, 127],
    [int16, -32_768, 32_767],
    [int32, -2_147_483_648, 2_147_483_647],
  ] as const)('checks the range of %o', (kind, min, max) => {
    expect([...kind.of([2], [min, max]).data]).toEqual([min, max]);
    for (const value of [min - 1, max + 1, 0.5, Number.NaN, Infinity]) {
      expect(() => kind.of([1], [value])).toThrow(
        new RangeError(`${value} is no ${kind.datatype}: it takes integers from ${min} to ${max}`),
      );
    }
  });

  it.each([
    [int64, -(2n ** 63n), 2n ** 63n - 1n],
    [uint64, 0n, 2n ** 64n - 1n],
  ] as const)('checks the range of %o, which takes bigints and numbers', (kind, min, max) => {
    expect([...kind.of([3], [min, max, 7]).data]).toEqual([min, max, 7n]);
    for (const value of [min - 1n, max + 1n]) {
      expect(() => kind.of([1], [value])).toThrow(
        new RangeError(`${value} is no ${kind.datatype}: it takes integers from ${min} to ${max}`),
      );
    }
    for (const value of [0.5, Number.NaN, Infinity]) expect(() => kind.of([1], [value])).toThrow(RangeError);
  });

  it('takes booleans for BOOL', () => {
    expect(bool.of([3], [true, false, true]).data).toEqual(Uint8Array.of(1, 0, 1));
  });

  it('keeps the special values of floats', () => {
    expect(fp64.of([4], [-0, Number.NaN, Infinity, 5e-324]).data).toEqual(
      Float64Array.of(-0, Number.NaN, Infinity, 5e-324),
    );
    expect(fp32.of([2], [-Infinity, 0.1]).data).toEqual(Float32Array.of(-Infinity, Math.fround(0.1)));
  });

  it('rounds numbers to the 16-bit floats', () => {
    expect(fp16.of([3], [1, -2, 1 / 3]).data).toEqual(Uint16Array.of(0x3c00, 0xc000, 0x3555));
    expect(bf16.of([3], [1, -2, 1 / 3]).data).toEqual(Uint16Array.of(0x3f80, 0xc000, 0x3eab));
  });

  it('encodes text as UTF-8 and takes bytes unchanged', () => {
    const buffer = Buffer.of(0xff, 0);
    const view = new Uint8Array(Uint8Array.of(9, 1, 2, 9).buffer, 1, 2);
    const { data } = bytes.of([5], ['é🦊', '', 'a\0b', buffer, view]);
    expect(data).toEqual([
      Buffer.of(0xc3, 0xa9, 0xf0, 0x9f, 0xa6, 0x8a),
      Buffer.of(),
      Buffer.of(0x61, 0, 0x62),
      buffer,
      Buffer.of(1, 2),
    ]);
    expect(data[3]).toBe(buffer);
    expect(data[4]?.buffer).toBe(view.buffer);
    expect(data.every((element) => Buffer.isBuffer(element))).toBe(true);
  });
});

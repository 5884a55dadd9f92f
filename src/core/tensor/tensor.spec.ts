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
  uint16,
  uint32,
  uint64,
  uint8,
} from './kinds.js';
import { namedTensors, Tensor, viewBytes } from './tensor.js';

describe('a tensor', () => {
  it('keeps what it is made of', () => {
    const shape = [2, 2];
    const data = Int32Array.of(1, 2, 3, 4);
    const tensor = new Tensor('INT32', shape, data);
    expect(tensor.datatype).toBe('INT32');
    expect(tensor.shape).toBe(shape);
    expect(tensor.data).toBe(data);
  });

  it('may be a scalar, or empty', () => {
    expect(new Tensor('FP32', [], Float32Array.of(1)).data).toHaveLength(1);
    expect(new Tensor('FP32', [0], new Float32Array()).data).toHaveLength(0);
    expect(new Tensor('BYTES', [3, 0, 2], []).data).toHaveLength(0);
  });

  it.each([
    [[], 0, 'FP32 tensor of shape [] needs 1 elements, got 0'],
    [[2, 3], 5, 'FP32 tensor of shape [2,3] needs 6 elements, got 5'],
    [[2, 3], 7, 'FP32 tensor of shape [2,3] needs 6 elements, got 7'],
    [[0], 1, 'FP32 tensor of shape [0] needs 0 elements, got 1'],
    [[-1], 1, 'FP32 tensor of shape [-1] needs a countable number of elements, got 1'],
    [[-1, -1], 1, 'FP32 tensor of shape [-1,-1] needs a countable number of elements, got 1'],
  ])('of shape %j refuses %d elements', (shape, length, message) => {
    expect(() => new Tensor('FP32', shape, new Float32Array(length))).toThrow(new RangeError(message));
  });

  it('counts the elements of BYTES, not their bytes', () => {
    expect(() => new Tensor('BYTES', [3], [Buffer.from('abc')])).toThrow(RangeError);
  });
});

const double = (value: number): number => value * 2;

describe('map', () => {
  const shape = [2, 1];

  it('doubles numbers', () => {
    expect(uint8.of(shape, [1, 2]).map(double)).toStrictEqual(uint8.of(shape, [2, 4]));
    expect(uint16.of(shape, [1, 2]).map(double)).toStrictEqual(uint16.of(shape, [2, 4]));
    expect(uint32.of(shape, [1, 2]).map(double)).toStrictEqual(uint32.of(shape, [2, 4]));
    expect(int8.of(shape, [1, -2]).map(double)).toStrictEqual(int8.of(shape, [2, -4]));
    expect(int16.of(shape, [1, -2]).map(double)).toStrictEqual(int16.of(shape, [2, -4]));
    expect(int32.of(shape, [1, -2]).map(double)).toStrictEqual(int32.of(shape, [2, -4]));
    expect(fp32.of(shape, [1, -2]).map(double)).toStrictEqual(fp32.of(shape, [2, -4]));
    expect(fp64.of(shape, [1, -2]).map(double)).toStrictEqual(fp64.of(shape, [2, -4]));
  });

  it('doubles bigints', () => {
    expect(int64.of(shape, [-1n, 2n ** 61n]).map((value) => value * 2n).data).toEqual(BigInt64Array.of(-2n, 2n ** 62n));
    expect(uint64.of(shape, [1n, 2n ** 62n]).map((value) => value * 2n).data).toEqual(BigUint64Array.of(2n, 2n ** 63n));
  });

  it('sees BOOL as 0 and 1', () => {
    expect(bool.of(shape, [true, false]).map((value) => 1 - value).data).toEqual(Uint8Array.of(0, 1));
  });

  it('sees the 16-bit floats as bits', () => {
    expect(fp16.of(shape, [1, -2]).map((bits) => bits ^ 0x8000)).toStrictEqual(fp16.of(shape, [-1, 2]));
    expect(bf16.of(shape, [1, -2]).map((bits) => bits ^ 0x8000)).toStrictEqual(bf16.of(shape, [-1, 2]));
  });

  it('sees BYTES as buffers', () => {
    const shouted = bytes.of(shape, ['a', 'é']).map((value) => Buffer.from(value.toString('utf8').toUpperCase()));
    expect(shouted).toStrictEqual(bytes.of(shape, ['A', 'É']));
  });

  it('gives the index', () => {
    expect(fp32.of([3], [9, 9, 9]).map((_, index) => index).data).toEqual(Float32Array.of(0, 1, 2));
    expect(
      bytes
        .of([2], ['a', 'b'])
        .map((value, index) => Buffer.from(`${value.toString()}${index}`))
        .text(),
    ).toEqual(['a0', 'b1']);
  });

  it('leaves its tensor as it was', () => {
    const tensor = fp32.of([2], [1, 2]);
    tensor.map(() => 0);
    expect(tensor.data).toEqual(Float32Array.of(1, 2));
  });
});

describe('text', () => {
  it('reads UTF-8, NUL and a byte order mark included', () => {
    const texts = ['', 'plain', 'nul\0inside', '\u{FEFF}mark', 'four bytes: 🦊'];
    expect(bytes.of([5], texts).text()).toEqual(texts);
  });

  it('shows U+FFFD for what is not UTF-8', () => {
    expect(bytes.of([1], [Uint8Array.of(0x61, 0xff, 0x62)]).text()).toEqual(['a\u{FFFD}b']);
  });
});

describe('numbers', () => {
  it('widens the 16-bit floats', () => {
    expect(fp16.of([3], [1.5, -65_504, 2 ** -24]).numbers()).toEqual([1.5, -65_504, 2 ** -24]);
    expect(bf16.of([3], [1.5, -(2 ** 100), 2 ** -133]).numbers()).toEqual([1.5, -(2 ** 100), 2 ** -133]);
  });

  it('rounds the 64-bit integers to doubles', () => {
    expect(int64.of([2], [-5n, 2n ** 53n + 1n]).numbers()).toEqual([-5, 2 ** 53]);
    expect(uint64.of([1], [2n ** 64n - 1n]).numbers()).toEqual([2 ** 64]);
  });

  it('gives all others as they are', () => {
    expect(bool.of([2], [true, false]).numbers()).toEqual([1, 0]);
    expect(int8.of([2], [-128, 127]).numbers()).toEqual([-128, 127]);
    expect(fp64.of([4], [0.1, -0, Infinity, Number.NaN]).numbers()).toEqual([0.1, -0, Infinity, Number.NaN]);
  });
});

describe('namedTensors', () => {
  it('takes names that mean something on other objects', () => {
    const tensors = namedTensors();
    expect(tensors['constructor']).toBeUndefined();
    expect(tensors['__proto__']).toBeUndefined();
    const tensor = fp32.of([], [1]);
    tensors['__proto__'] = tensor;
    expect(tensors['__proto__']).toBe(tensor);
    expect(Object.keys(tensors)).toEqual(['__proto__']);
  });
});

describe('viewBytes', () => {
  const memory = Uint8Array.from({ length: 32 }, (_, index) => index);

  it.each([
    ['FP64', 8],
    ['INT32', 4],
    ['FP16', 2],
    ['BOOL', 1],
  ] as const)('views aligned bytes as %s', (datatype, offset) => {
    const view = viewBytes(datatype, memory.subarray(offset, offset + 16));
    expect(view.buffer).toBe(memory.buffer);
    expect(view.byteOffset).toBe(offset);
    expect(view.byteLength).toBe(16);
  });

  it.each([
    ['FP64', 4],
    ['INT32', 2],
    ['FP16', 1],
  ] as const)('copies unaligned bytes as %s', (datatype, offset) => {
    const source = memory.subarray(offset, offset + 16);
    const view = viewBytes(datatype, source);
    expect(view.buffer).not.toBe(memory.buffer);
    expect(Buffer.from(view.buffer, view.byteOffset, view.byteLength).equals(source)).toBe(true);
  });
});

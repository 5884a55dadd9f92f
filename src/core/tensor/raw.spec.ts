import { describe, expect, it } from 'vitest';
import { invalidArgument } from '../errors/catalogue.js';
import { type Datatype, DATATYPES } from './datatype.js';
import { bf16, bool, bytes, fp16, fp32, fp64, int16, int64, int8, uint32 } from './kinds.js';
import { decodeRaw, encodeRaw } from './raw.js';
import type { Shape } from './shape.js';
import { Tensor } from './tensor.js';

const place = { input: 'x', model: 'm' };
const decode = (datatype: Datatype, shape: Shape, raw: Uint8Array): Tensor => decodeRaw(datatype, shape, raw, place);
const refusal = (message: string) => invalidArgument(message, 'inputs["x"].contents');
const memoryOf = (view: unknown): ArrayBufferLike | undefined => (ArrayBuffer.isView(view) ? view.buffer : undefined);

describe('raw numbers', () => {
  it.each([
    [bool.of([2], [true, false]), [1, 0]],
    [int8.of([2], [-1, 127]), [0xff, 0x7f]],
    [int16.of([2], [-2, 258]), [0xfe, 0xff, 0x02, 0x01]],
    [uint32.of([1], [0x0403_0201]), [1, 2, 3, 4]],
    [int64.of([1], [-2n]), [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
    [fp16.of([1], [1]), [0x00, 0x3c]],
    [bf16.of([1], [1]), [0x80, 0x3f]],
    [fp32.of([1], [1]), [0x00, 0x00, 0x80, 0x3f]],
    [fp64.of([1], [1]), [0, 0, 0, 0, 0, 0, 0xf0, 0x3f]],
  ])('are little-endian: %o', (tensor, raw) => {
    expect([...encodeRaw(tensor)]).toEqual(raw);
    expect(decode(tensor.datatype, tensor.shape, Uint8Array.from(raw))).toStrictEqual(tensor);
  });

  it('are a view when aligned', () => {
    const memory = new ArrayBuffer(24);
    const { data } = decode('FP64', [2], new Uint8Array(memory, 8, 16));
    expect(memoryOf(data)).toBe(memory);
    expect(data).toMatchObject({ byteOffset: 8, byteLength: 16 });
  });

  it('are copied when not aligned, and only then', () => {
    const memory = new Uint8Array(17);
    memory.set(encodeRaw(fp64.of([2], [1.5, -2])), 1);
    const { data } = decode('FP64', [2], memory.subarray(1));
    expect(data).toEqual(Float64Array.of(1.5, -2));
    expect(memoryOf(data)).not.toBe(memory.buffer);
    expect(memoryOf(decode('UINT8', [16], memory.subarray(1)).data)).toBe(memory.buffer);
  });

  it('are encoded as a view on the tensor’s own data', () => {
    const memory = new ArrayBuffer(128);
    const tensor = new Tensor('FP32', [20], new Float32Array(memory, 4, 20));
    const raw = encodeRaw(tensor);
    expect(raw.buffer).toBe(memory);
    expect([raw.byteOffset, raw.byteLength]).toEqual([4, 80]);
  });

  it('are copied where they are so few that a view would cost more, each into memory of its own', () => {
    const tensors = Object.entries(DATATYPES).flatMap(([datatype, { array: Data, size }]) => {
      if (Data === undefined) return [];
      const all = Buffer.from(Array.from({ length: 72 }, (_, index) => index + 1));
      return [0, 1, 64 / size, 64 / size + 1].map((length) => {
        const data = new Data(new Uint8Array(all).buffer, 0, length);
        return new Tensor(datatype as Datatype, [length], data);
      });
    });
    const encoded = tensors.map((tensor) => Buffer.from(encodeRaw(tensor)));
    const together = tensors.map(encodeRaw);
    expect(together.map((raw) => Buffer.from(raw))).toEqual(encoded);
    tensors.forEach(({ data }, index) => {
      const { buffer, byteOffset, byteLength } = data as Uint8Array;
      expect(encoded[index]).toEqual(Buffer.from(buffer, byteOffset, byteLength));
    });
  });

  it('leave a BOOL of another value than 0 and 1 as it is', () => {
    expect(decode('BOOL', [3], Uint8Array.of(0, 1, 2)).data).toEqual(Uint8Array.of(0, 1, 2));
  });

  it('may be none, or a scalar', () => {
    expect(decode('INT32', [0, 7], new Uint8Array()).data).toHaveLength(0);
    expect(decode('INT32', [], Uint8Array.of(5, 0, 0, 0)).data).toEqual(Int32Array.of(5));
  });

  it.each([
    ['shorter than the shape', 'FP32', [2, 4], 28, 32],
    ['longer than the shape', 'FP32', [2, 4], 36, 32],
    ['no multiple of the element', 'INT32', [2], 7, 8],
    ['not empty for an empty shape', 'INT32', [0], 4, 0],
    ['empty for a scalar', 'INT64', [], 0, 8],
  ] as const)('are refused when %s', (_, datatype, shape, actual, expected) => {
    expect(() => decode(datatype, shape, new Uint8Array(actual))).toThrow(
      refusal(`input byte size mismatch for input 'x' for model 'm'. Expected ${expected}, got ${actual}`),
    );
  });

  it.each([
    [[16, 2 ** 60 + 2], 'causes total element count to exceed maximum size of'],
    [[4, 2 ** 60 + 2], 'byte size overflow for input'],
    [[-1], 'dimension -1 of shape [-1]'],
  ])('are refused when the shape is %j', (shape, message) => {
    expect(() => decode('FP32', shape, new Uint8Array(32))).toThrow(message);
    expect(() => decode('BYTES', shape, new Uint8Array(32))).toThrow(message);
  });
});

describe('raw BYTES', () => {
  it('stand behind their lengths', () => {
    const raw = [1, 0, 0, 0, 0x61, 0, 0, 0, 0, 2, 0, 0, 0, 0xc3, 0xa9];
    expect([...encodeRaw(bytes.of([3], ['a', '', 'é']))]).toEqual(raw);
    expect(decode('BYTES', [3], Uint8Array.from(raw))).toStrictEqual(bytes.of([3], ['a', '', 'é']));
  });

  it('pass unchanged, whatever they are', () => {
    const tensor = bytes.of([2, 2], [Buffer.of(0), Buffer.of(0xff, 0xfe, 0), Buffer.of(0xed, 0xa0, 0x80), '🦊']);
    expect(decode('BYTES', [2, 2], encodeRaw(tensor))).toStrictEqual(tensor);
  });

  it('are views on what was received', () => {
    const memory = new Uint8Array(16);
    memory.set([3, 0, 0, 0, 7, 8, 9], 2);
    const { data } = decode('BYTES', [1], memory.subarray(2, 9));
    expect(data).toEqual([Buffer.of(7, 8, 9)]);
    expect(memoryOf(data[0])).toBe(memory.buffer);
  });

  it('may be none', () => {
    expect(decode('BYTES', [0], new Uint8Array()).data).toEqual([]);
    expect(encodeRaw(bytes.of([0], []))).toHaveLength(0);
  });

  it.each([
    [
      'a truncated length',
      [1],
      [1, 0, 0],
      "incomplete string length indicator for inference input 'x' for model 'm', expecting 4 bytes but only 3 bytes available",
    ],
    [
      'a truncated length after an element',
      [2],
      [1, 0, 0, 0, 0x61, 1],
      "incomplete string length indicator for inference input 'x' for model 'm', expecting 4 bytes but only 1 bytes available",
    ],
    [
      'a length past the end',
      [1],
      [3, 0, 0, 0, 0x61, 0x62],
      "incomplete string data for inference input 'x' for model 'm', expecting string of length 3 but only 2 bytes available",
    ],
    [
      'a length of 4 GiB - 1',
      [1],
      [0xff, 0xff, 0xff, 0xff, 0x61],
      "incomplete string data for inference input 'x' for model 'm', expecting string of length 4294967295 but only 1 bytes available",
    ],
    [
      'fewer elements',
      [2],
      [1, 0, 0, 0, 0x61],
      "expected 2 string elements for inference input 'x' for model 'm', got 1",
    ],
    ['no elements', [1], [], "expected 1 string elements for inference input 'x' for model 'm', got 0"],
    [
      'more elements',
      [1],
      [0, 0, 0, 0, 0, 0, 0, 0],
      "unexpected number of string elements 2 for inference input 'x' for model 'm', expecting 1",
    ],
    [
      'an element for an empty shape',
      [0],
      [0, 0, 0, 0],
      "unexpected number of string elements 1 for inference input 'x' for model 'm', expecting 0",
    ],
  ])('are refused with %s', (_, shape, raw, message) => {
    expect(() => decode('BYTES', shape, Uint8Array.from(raw))).toThrow(refusal(message));
  });

  it('cost nothing when a shape claims more of them than there are bytes', () => {
    expect(() => decode('BYTES', [2 ** 50], new Uint8Array(8))).toThrow(
      refusal(`expected ${2 ** 50} string elements for inference input 'x' for model 'm', got 2`),
    );
  });
});

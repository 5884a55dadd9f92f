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
  type Tensor,
  uint16,
  uint32,
  uint64,
  uint8,
} from '#core';
import type { InferenceResponse, OutputTensor } from '../../core/inference/response.js';
import { sliceRows } from '../../core/tensor/rows.js';
import { give, keep, keptBytes } from './kept-response.js';

const responseOf = (tensor: Tensor, parameters: InferenceResponse['parameters'] = new Map()): InferenceResponse => ({
  model: 'm',
  version: '1',
  id: 'i-1',
  parameters,
  outputs: [{ name: 'y', tensor }],
});

/** One of each datatype, some of whose bytes mean nothing to numbers. */
const TENSORS: readonly Tensor[] = [
  bool.of([2], [1, 0]),
  uint8.of([2], [0, 255]),
  uint16.of([2], [0, 65_535]),
  uint32.of([1], [4_294_967_295]),
  uint64.of([1], [2n ** 64n - 1n]),
  int8.of([1], [-128]),
  int16.of([1], [-32_768]),
  int32.of([2, 1], [-2_147_483_648, 7]),
  int64.of([1], [-(2n ** 63n)]),
  fp16.of([1], Uint16Array.of(0x7e01)),
  bf16.of([1], Uint16Array.of(0x7fc1)),
  fp32.of([3], [Number.NaN, -0, Infinity]),
  fp64.of([], [0.1]),
  bytes.of([3], ['', 'ä', Buffer.from([0xff, 0])]),
  fp32.of([0, 4], []),
];

it.each(TENSORS.map((tensor) => [tensor.datatype, tensor] as const))('gives %s back as it was', (_, tensor) => {
  const response = responseOf(
    tensor,
    new Map<string, string | bigint>([
      ['p', 'text'],
      ['q', 2n ** 60n],
    ]),
  );
  expect(give(keep(response), 'i-2')).toStrictEqual({ ...response, id: 'i-2' });
});

describe('what is kept', () => {
  it('does not change with the tensor of the model, nor with its parameters', () => {
    const [data, text, parameters] = [Float32Array.of(1, 2), Buffer.from('a'), new Map([['p', 1]])];
    const kept = keep(responseOf(fp32.of([2], data), parameters));
    const keptText = keep(responseOf(bytes.of([1], [text])));
    data[0] = 9;
    text[0] = 0x62;
    parameters.set('p', 2);
    const { outputs, parameters: given } = give(kept, '');
    expect(outputs[0]?.tensor.data).toEqual(Float32Array.of(1, 2));
    expect([...given]).toEqual([['p', 1]]);
    expect(give(keptText, '').outputs[0]?.tensor).toEqual(bytes.of([1], ['a']));
  });

  it('does not change with what was given', () => {
    for (const tensor of [fp32.of([2], [1, 2]), bytes.of([1], ['ab'])]) {
      const kept = keep(responseOf(tensor));
      const first = give(kept, '');
      const [given] = first.outputs as readonly [OutputTensor];
      const { data, shape } = given.tensor as Tensor<'FP32' | 'BYTES'>;
      if (data instanceof Float32Array) data[0] = 9;
      else data[0]?.fill(0);
      (shape as number[])[0] = 7;
      (first.parameters as Map<string, number>).set('p', 1);
      expect(give(kept, '')).toEqual({ ...responseOf(tensor), id: '' });
    }
  });

  it('holds only its own rows of a batch', () => {
    const batch = fp32.of([1000, 4], new Float32Array(4000));
    const kept = keep(responseOf(sliceRows(batch, 2, 3)));
    expect(kept.outputs[0]?.raw.buffer.byteLength).toBe(16);
  });
});

describe('what a response takes up', () => {
  it('is told before it is kept', () => {
    const response = responseOf(fp32.of([2], [1, 2]), new Map([['p', 'text']]));
    expect(keep(response).bytes).toBe(keptBytes(response));
  });

  it('grows with the contents, and with what is around them', () => {
    const empty = keptBytes(responseOf(fp32.of([0], [])));
    expect(empty).toBeGreaterThan(500);
    expect(keptBytes(responseOf(fp32.of([100], new Float32Array(100))))).toBe(empty + 400);
    expect(keptBytes(responseOf(bytes.of([2], ['abc', 'd'])))).toBe(empty + 12);
    expect(keptBytes(responseOf(fp32.of([0], []), new Map([['p', 'x'.repeat(50)]])))).toBeGreaterThan(empty + 300);
  });
});

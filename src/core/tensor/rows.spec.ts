import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bytes, fp32, int64 } from './kinds.js';
import { concatRows, sliceRows } from './rows.js';
import type { Tensor } from './tensor.js';

const tensorOf = (rows: number, width: number, seed: number): Tensor =>
  fp32.of(
    [rows, width],
    Array.from({ length: rows * width }, (_, index) => seed + index),
  );

it('takes apart what it has put together, row for row', () => {
  const parts = fc.array(fc.nat(4), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(parts, fc.nat(3), (rows, width) => {
      const tensors = rows.map((count, index) => tensorOf(count, width, 100 * index));
      const merged = concatRows(tensors);
      expect(merged.shape).toEqual([rows.reduce((sum, count) => sum + count, 0), width]);
      let start = 0;
      for (const [index, count] of rows.entries()) {
        expect(sliceRows(merged, start, (start += count))).toEqual(tensors[index]);
      }
    }),
  );
});

it('keeps bytes and 64-bit integers', () => {
  const texts = [
    bytes.of([1, 2], [Buffer.from('a'), Buffer.from('b')]),
    bytes.of([1, 2], [Buffer.from('c'), Buffer.from('')]),
  ];
  expect(sliceRows(concatRows(texts), 1, 2)).toEqual(texts[1]);
  const big = [int64.of([1], [2n ** 62n]), int64.of([2], [-1n, 3n])];
  expect(concatRows(big).data).toEqual(BigInt64Array.of(2n ** 62n, -1n, 3n));
});

it('copies nothing where there is one tensor, and views rows', () => {
  const tensor = tensorOf(3, 2, 0);
  expect(concatRows([tensor])).toBe(tensor);
  expect((sliceRows(tensor, 1, 2).data as Float32Array).buffer).toBe((tensor.data as Float32Array).buffer);
});

it('refuses rows that are not there', () => {
  expect(() => sliceRows(tensorOf(3, 2, 0), 2, 4)).toThrow('rows 2 to 4 of 3 are none');
  expect(() => concatRows([])).toThrow(RangeError);
});

import { describe, expect, it } from 'vitest';
import { invalidArgument } from '../errors/catalogue.js';
import { countElements } from './encoded-tensor.js';
import type { Shape } from './shape.js';

const place = { input: 'x', model: 'm' };

describe('countElements', () => {
  it.each<[Shape, number]>([
    [[], 1],
    [[0], 0],
    [[2, 0, 3], 0],
    [[4, 5], 20],
    [[2 ** 50], 2 ** 50],
  ])('of %j is %d', (shape, count) => {
    expect(countElements(shape, 4, place)).toBe(count);
  });

  it.each([-1, -5, 0.5, Number.NaN, Infinity])('names a dimension of %d', (dimension) => {
    expect(() => countElements([2, dimension], 4, place)).toThrow(
      invalidArgument(
        `input 'x' of model 'm': dimension ${dimension} of shape [2,${dimension}] is not an integer from 0 to 2^53-1`,
        'inputs["x"].shape',
      ),
    );
  });

  it('names a dimension that is no number', () => {
    const shape: number[] = JSON.parse('[2, "3"]');
    expect(() => countElements(shape, 4, place)).toThrow(/dimension 3 of shape \[2,3\] is not an integer/);
  });

  it.each<[string, Shape, number]>([
    ['2^64 + 32 elements, which a 64-bit product wraps to 32', [16, 2 ** 60 + 2], 4],
    ['a product beyond all doubles', Array.from({ length: 40 }, () => 2 ** 50), 1],
    ['elements without a size of their own', [2 ** 53], 0],
  ])('refuses %s', (_, shape, size) => {
    expect(() => countElements(shape, size, place)).toThrow(
      /^input 'x' of model 'm': shape \[.*\] causes total element count to exceed maximum size of \d+$/,
    );
  });

  it.each<[string, Shape, number]>([
    ['2^62 + 8 elements of 4 bytes, which a 64-bit product wraps to 32', [4, 2 ** 60 + 2], 4],
    ['countable elements in uncountable bytes', [2 ** 51], 8],
    ['uncountable elements that a signed 64-bit integer could count', [2 ** 53], 1],
    ['a dimension beyond 2^53 beside a 0', [0, 2 ** 60], 4],
  ])('refuses %s', (_, shape, size) => {
    expect(() => countElements(shape, size, place)).toThrow(
      /^byte size overflow for input 'x' of model 'm': shape \[.*\] with \d bytes an element/,
    );
  });

  it('refuses as an invalid argument, without allocating', () => {
    const before = process.memoryUsage().arrayBuffers;
    expect(() => countElements([2 ** 40, 2 ** 40], 8, place)).toThrow(
      expect.objectContaining({ name: 'ServingError', code: 'invalid-argument' }),
    );
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
  });
});

import { describe, expect, it } from 'vitest';
import { elementCount, formatShape, MAX_ELEMENTS, type Shape, shapeMatches } from './shape.js';

describe('elementCount', () => {
  it.each<[Shape, number]>([
    [[], 1],
    [[1], 1],
    [[7], 7],
    [[2, 3, 4], 24],
    [[0], 0],
    [[3, 0, 5], 0],
    [[MAX_ELEMENTS], MAX_ELEMENTS],
    [[1, MAX_ELEMENTS, 1], MAX_ELEMENTS],
    // 2^53 - 1 = 6361 * 69431 * 20394401
    [[6361, 69_431, 20_394_401], MAX_ELEMENTS],
  ])('of %j is %d', (shape, count) => {
    expect(elementCount(shape)).toBe(count);
  });

  it.each<[string, Shape]>([
    ['a product of 2^53', [2 ** 27, 2 ** 26]],
    ['a product of 2^64 + 32, which wraps to 32', [16, 2 ** 60 + 2]],
    ['a product that is no number any more', Array.from({ length: 40 }, () => MAX_ELEMENTS)],
    ['an overflow that a 1 follows', [2 ** 52, 2 ** 52, 1]],
  ])('is not countable: %s', (_, shape) => {
    expect(elementCount(shape)).toBeUndefined();
  });

  it.each<[string, Shape]>([
    ['after', [2 ** 40, 2 ** 40, 0]],
    ['before', [0, 2 ** 40, 2 ** 40]],
    ['after a product beyond all doubles', [...Array.from({ length: 40 }, () => MAX_ELEMENTS), 0]],
  ])('is 0 with a 0 %s an overflow', (_, shape) => {
    expect(elementCount(shape)).toBe(0);
  });

  it.each([-1, -0.5, 1.5, 2 ** 53, 2 ** 60, Infinity, -Infinity, Number.NaN])(
    'takes no dimension of %d',
    (dimension) => {
      expect(elementCount([dimension])).toBeUndefined();
      expect(elementCount([0, dimension])).toBeUndefined();
      expect(elementCount([dimension, 0])).toBeUndefined();
    },
  );
});

describe('shapeMatches', () => {
  it.each<[Shape, Shape]>([
    [[], []],
    [[3], [3]],
    [[-1], [0]],
    [[-1], [12]],
    [
      [-1, 3, -1],
      [2, 3, 0],
    ],
    [[0], [0]],
  ])('%j takes %j', (expected, actual) => {
    expect(shapeMatches(expected, actual)).toBe(true);
  });

  it.each<[Shape, Shape]>([
    [[], [1]],
    [[1], []],
    [[-1], []],
    [[-1], [1, 1]],
    [[3], [4]],
    [
      [-1, 3],
      [3, 2],
    ],
    [[-1], [-1]],
    [[-1], [-2]],
    [[0], [1]],
  ])('%j refuses %j', (expected, actual) => {
    expect(shapeMatches(expected, actual)).toBe(false);
  });
});

describe('formatShape', () => {
  it.each<[Shape, string]>([
    [[], '[]'],
    [[3], '[3]'],
    [[-1, 28, 28], '[-1,28,28]'],
  ])('writes %j', (shape, text) => {
    expect(formatShape(shape)).toBe(text);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { areaMean } from './area-mean.js';

const mean = (image: readonly number[], from: readonly [number, number], to: readonly [number, number]): number[] =>
  Array.from(areaMean(Float32Array.from(image), ...from, ...to));

describe('the area mean', () => {
  it('of an image of the same size is the image', () => {
    expect(mean([1, 2, 3, 4, 5, 6], [2, 3], [2, 3])).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('counts whole pixels', () => {
    const image = [1, 3, 10, 20, 5, 7, 30, 40];
    expect(mean(image, [2, 4], [1, 2])).toEqual([4, 25]);
    expect(mean(image, [2, 4], [2, 1])).toEqual([8.5, 20.5]);
  });

  it('counts pixels on a border in proportion', () => {
    expect(mean([0, 3, 6], [1, 3], [1, 2])).toEqual([1, 5]);
    expect(mean([0, 3, 6], [3, 1], [2, 1])).toEqual([1, 5]);
    expect(mean([1, 2, 3, 4, 5], [1, 5], [1, 2])).toEqual([1.8, 4.2].map(Math.fround));
  });

  it('stretches a small image', () => {
    expect(mean([7], [1, 1], [2, 2])).toEqual([7, 7, 7, 7]);
    expect(mean([0, 6], [1, 2], [1, 3])).toEqual([0, 3, 6]);
  });

  it('does not take rows for columns', () => {
    expect(mean([1, 1, 1, 1, 9, 9, 9, 9], [2, 4], [2, 2])).toEqual([1, 1, 9, 9]);
  });
});

const size = fc.integer({ min: 1, max: 12 });
const pixel = fc.float({ min: 0, max: 255, noNaN: true });
const image = fc.tuple(size, size).chain(([height, width]) =>
  fc.record({
    height: fc.constant(height),
    width: fc.constant(width),
    pixels: fc.array(pixel, { minLength: height * width, maxLength: height * width }),
  }),
);

const average = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

it('keeps the mean of the whole image, and stays between its darkest and its brightest pixel', () => {
  fc.assert(
    fc.property(image, size, size, ({ height, width, pixels }, targetHeight, targetWidth) => {
      const target = mean(pixels, [height, width], [targetHeight, targetWidth]);
      expect(target).toHaveLength(targetHeight * targetWidth);
      expect(average(target)).toBeCloseTo(average(pixels), 2);
      expect(Math.min(...target)).toBeGreaterThanOrEqual(Math.min(...pixels) - 1e-3);
      expect(Math.max(...target)).toBeLessThanOrEqual(Math.max(...pixels) + 1e-3);
    }),
  );
});

it('gives an enlarged image back as it was', () => {
  fc.assert(
    fc.property(image, fc.integer({ min: 1, max: 4 }), ({ height, width, pixels }, factor) => {
      const large = Array.from({ length: height * width * factor * factor }, (_, index) => {
        const [row, column] = [Math.floor(index / (width * factor)), index % (width * factor)];
        return pixels[Math.floor(row / factor) * width + Math.floor(column / factor)] ?? 0;
      });
      const small = mean(large, [height * factor, width * factor], [height, width]);
      for (const [index, value] of small.entries()) expect(value).toBeCloseTo(pixels[index] ?? 0, 2);
    }),
  );
});

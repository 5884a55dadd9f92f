/** The part of a source axis that one target pixel covers. */
interface Span {
  readonly start: number;
  /** How much of each source pixel from `start` on is covered, from 0 to 1. */
  readonly weights: readonly number[];
}

/**
 * Shrinks (or stretches) a row-major grey image: each target pixel is the mean of the area that it covers, pixels on
 * the border of two areas counted in proportion.
 */
export function areaMean(
  image: Float32Array,
  height: number,
  width: number,
  targetHeight: number,
  targetWidth: number,
): Float32Array {
  const rows = spans(height, targetHeight);
  const columns = spans(width, targetWidth);
  const area = (height / targetHeight) * (width / targetWidth);
  return Float32Array.from({ length: targetHeight * targetWidth }, (_, index) => {
    const row = rows[Math.floor(index / targetWidth)];
    const column = columns[index % targetWidth];
    return row === undefined || column === undefined ? 0 : sum(image, width, row, column) / area;
  });
}

function spans(size: number, targets: number): Span[] {
  return Array.from({ length: targets }, (_, target) => {
    const from = (target * size) / targets;
    const to = ((target + 1) * size) / targets;
    const start = Math.floor(from);
    const end = Math.ceil(to);
    const weights = Array.from(
      { length: end - start },
      (_, offset) => Math.min(to, start + offset + 1) - Math.max(from, start + offset),
    );
    return { start, weights };
  });
}

function sum(image: Float32Array, width: number, row: Span, column: Span): number {
  let total = 0;
  row.weights.forEach((rowWeight, y) => {
    const offset = (row.start + y) * width + column.start;
    column.weights.forEach((columnWeight, x) => {
      total += rowWeight * columnWeight * (image[offset + x] ?? 0);
    });
  });
  return total;
}

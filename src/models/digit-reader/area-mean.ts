/** The part of a source axis that one target pixel covers, its borders in source pixels. */
interface Span {
  readonly from: number;
  readonly to: number;
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
  const columns = spans(width, targetWidth);
  const area = (height / targetHeight) * (width / targetWidth);
  const target = new Float32Array(targetHeight * targetWidth);
  let index = 0;
  for (const row of spans(height, targetHeight)) {
    for (const column of columns) target[index++] = sum(image, width, row, column) / area;
  }
  return target;
}

const spans = (size: number, targets: number): Span[] =>
  Array.from({ length: targets }, (_, target) => ({
    from: (target * size) / targets,
    to: ((target + 1) * size) / targets,
  }));

function sum(image: Float32Array, width: number, row: Span, column: Span): number {
  let total = 0;
  for (let y = Math.floor(row.from); y < row.to; y++) {
    let line = 0;
    for (let x = Math.floor(column.from); x < column.to; x++) line += covered(column, x) * (image[y * width + x] ?? 0);
    total += covered(row, y) * line;
  }
  return total;
}

/** How much of a source pixel lies in a span, from 0 to 1. */
const covered = ({ from, to }: Span, pixel: number): number => Math.min(to, pixel + 1) - Math.max(from, pixel);

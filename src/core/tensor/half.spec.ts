import { describe, expect, it } from 'vitest';
import { fromBf16, fromFp16, toBf16, toFp16 } from './half.js';

interface Format {
  readonly name: string;
  readonly to: (value: number) => number;
  readonly from: (bits: number) => number;
  /** Bits of the fraction. */
  readonly fraction: number;
  /** The smallest positive value. */
  readonly step: number;
  readonly infinity: number;
}

const FORMATS: readonly Format[] = [
  { name: 'FP16', to: toFp16, from: fromFp16, fraction: 10, step: 2 ** -24, infinity: 0x7c00 },
  { name: 'BF16', to: toBf16, from: fromBf16, fraction: 7, step: 2 ** -133, infinity: 0x7f80 },
];

/** All positive values in order, counted up from 0: the step doubles with each exponent after the first normal one. */
function positiveValues({ fraction, step, infinity }: Format): number[] {
  const values = [0];
  for (let bits = 0; bits < infinity; bits++) {
    values.push((values[bits] ?? 0) + step * 2 ** Math.max(0, (bits >>> fraction) - 1));
  }
  return values;
}

describe.each(FORMATS)('$name', (format) => {
  const { to, from, infinity } = format;
  const values = positiveValues(format);
  const at = (bits: number): number => values[bits] ?? Number.NaN;

  it('reads every pattern', () => {
    const wrong: number[] = [];
    for (let bits = 0; bits < 0x8000; bits++) {
      const expected = bits === infinity ? Infinity : at(bits);
      if (!Object.is(from(bits), expected) || !Object.is(from(bits | 0x8000), -expected)) wrong.push(bits);
    }
    expect(wrong).toEqual([]);
  });

  it('writes every pattern as it was, NaN as some NaN', () => {
    const wrong: number[] = [];
    for (let bits = 0; bits < 0x1_0000; bits++) {
      const back = to(from(bits));
      const isNaN = (bits & 0x7fff) > infinity;
      if (isNaN ? (back & 0x7fff) <= infinity : back !== bits) wrong.push(bits);
    }
    expect(wrong).toEqual([]);
  });

  it('rounds to the nearest, and ties to even, between every two neighbours', () => {
    const wrong: number[] = [];
    for (let bits = 0; bits < infinity; bits++) {
      // The last half-way stands where the next value would be, were it not infinity.
      const half = (at(bits) + at(bits + 1)) / 2;
      const even = bits % 2 === 0 ? bits : bits + 1;
      const cases = [
        [half, even],
        [below(half), bits],
        [above(half), bits + 1],
      ] as const;
      for (const [value, expected] of cases) {
        if (to(value) !== expected || to(-value) !== (expected | 0x8000)) wrong.push(value);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('keeps zeros, and takes what is too small to them with its sign', () => {
    expect([0, -0, 5e-324, -5e-324].map(to)).toEqual([0, 0x8000, 0, 0x8000]);
  });

  it('takes what is too large to infinity', () => {
    expect([Infinity, 1e300, Number.MAX_VALUE].map(to)).toEqual([infinity, infinity, infinity]);
    expect([-Infinity, -1e300].map(to)).toEqual([infinity | 0x8000, infinity | 0x8000]);
  });

  it('keeps NaN', () => {
    expect(from(to(Number.NaN))).toBeNaN();
  });
});

describe('known patterns', () => {
  it.each([
    [1, 0x3c00],
    [-2, 0xc000],
    [0.1, 0x2e66],
    [1 / 3, 0x3555],
    [Math.PI, 0x4248],
    [65_504, 0x7bff],
    [65_519.999, 0x7bff],
    [65_520, 0x7c00],
    [2 ** -14, 0x0400],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [1.5 * 2 ** -24, 0x0002],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    // A detour by FP32 would make a tie of it, and round it down.
    [1 + 2 ** -11 + 2 ** -30, 0x3c01],
  ])('%d has its bits in FP16', (value, bits) => {
    expect(toFp16(value)).toBe(bits);
  });

  it.each([
    [1, 0x3f80],
    [-2, 0xc000],
    [0.1, 0x3dcd],
    [1 / 3, 0x3eab],
    [Math.PI, 0x4049],
    [3.3895313892515355e38, 0x7f7f],
    [3.4028234663852886e38, 0x7f80],
    [2 ** -133, 0x0001],
    [2 ** -134, 0x0000],
    [1 + 2 ** -8, 0x3f80],
    [1 + 3 * 2 ** -8, 0x3f82],
    [1 + 2 ** -8 + 2 ** -30, 0x3f81],
  ])('%d has its bits in BF16', (value, bits) => {
    expect(toBf16(value)).toBe(bits);
  });
});

const double = new Float64Array(1);
const word = new BigUint64Array(double.buffer);

/** The next double in the direction of 0. */
function below(value: number): number {
  double[0] = value;
  word[0] = (word[0] ?? 0n) - 1n;
  return double[0];
}

function above(value: number): number {
  double[0] = value;
  word[0] = (word[0] ?? 0n) + 1n;
  return double[0];
}

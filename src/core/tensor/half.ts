/** Conversions between numbers and the 16-bit floats, rounding to nearest, ties to even. */

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/**
 * The FP32 bits of a number, with the last bit set where any were cut off. Rounding them on to 16 bits gives what
 * rounding the number itself would: an FP32 rounded to nearest may be a tie that the number was not.
 */
function toOddBits(value: number): number {
  float[0] = value;
  const nearest = bits[0] ?? 0;
  const rounding = Math.abs(float[0]) - Math.abs(value);
  if ((nearest & 1) === 1 || rounding === 0 || Number.isNaN(rounding)) return nearest;
  return rounding < 0 ? nearest + 1 : nearest - 1;
}

/** The FP16 bits nearest to a number; beyond 65504 the result is an infinity. */
export function toFp16(value: number): number {
  const source = toOddBits(value);
  const sign = (source >>> 16) & 0x8000;
  const magnitude = source & 0x7fff_ffff;
  if (Number.isNaN(value)) return sign | 0x7e00;
  if (magnitude >= 0x4780_0000) return sign | 0x7c00;
  if (magnitude < 0x3880_0000) return sign | subnormal(Math.abs(value));
  // Rebias the exponent from 127 to 15, then round the 13 bits that are dropped.
  const rebiased = magnitude - 0x3800_0000;
  return sign | ((rebiased + 0x0fff + ((rebiased >>> 13) & 1)) >>> 13);
}

/** Below 2^-14 an FP16 counts in steps of 2^-24. */
function subnormal(magnitude: number): number {
  const steps = magnitude * 2 ** 24;
  const floor = Math.floor(steps);
  const rest = steps - floor;
  return rest > 0.5 || (rest === 0.5 && (floor & 1) === 1) ? floor + 1 : floor;
}

export function fromFp16(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The BF16 bits nearest to a number: the upper half of its FP32, rounded. */
export function toBf16(value: number): number {
  const source = toOddBits(value);
  if ((source & 0x7fff_ffff) > 0x7f80_0000) return ((source >>> 16) | 0x40) & 0xffff;
  return ((source + 0x7fff + ((source >>> 16) & 1)) >>> 16) & 0xffff;
}

export function fromBf16(half: number): number {
  bits[0] = half << 16;
  return float[0] ?? 0;
}

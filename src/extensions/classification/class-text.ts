import { type Datatype, datatypeInfo } from '../../core/tensor/datatype.js';

/** `value:index` or `value:index:label`, as Triton writes it. */
export function classText(datatype: Datatype, value: number | bigint, index: number, label = ''): string {
  const text = datatypeInfo(datatype).numbers === 'float' ? fixed(Number(value)) : String(value);
  return label === '' ? `${text}:${index}` : `${text}:${index}:${label}`;
}

/** `%f` of C: six decimals, however large the number; what lies between two goes to the even one. */
function fixed(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0.000000';
  if (Math.abs(value) >= LARGE) return `${BigInt(value)}.000000`;
  const text = value.toFixed(6);
  const last = Number(text.at(-1));
  return isHalfway(value) && last % 2 === 1 ? `${text.slice(0, -1)}${last - 1}` : text;
}

/** From here on JavaScript would write an exponent, and there is no fraction. */
const LARGE = 1e21;

/** With six decimals only an odd number of 128ths can lie exactly between two; JavaScript takes the larger one then. */
const isHalfway = (value: number): boolean => Number.isInteger(value * 128) && !Number.isInteger(value * 64);

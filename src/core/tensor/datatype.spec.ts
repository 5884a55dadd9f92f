import { describe, expect, it } from 'vitest';
import { BIG_BOUNDS, DATATYPES, datatypeInfo, isDatatype } from './datatype.js';

/** The table of the protocol, written out a second time: datatype, bytes, typed field, array. */
const PROTOCOL = [
  ['BOOL', 1, 'bool_contents', Uint8Array],
  ['UINT8', 1, 'uint_contents', Uint8Array],
  ['UINT16', 2, 'uint_contents', Uint16Array],
  ['UINT32', 4, 'uint_contents', Uint32Array],
  ['UINT64', 8, 'uint64_contents', BigUint64Array],
  ['INT8', 1, 'int_contents', Int8Array],
  ['INT16', 2, 'int_contents', Int16Array],
  ['INT32', 4, 'int_contents', Int32Array],
  ['INT64', 8, 'int64_contents', BigInt64Array],
  ['FP16', 2, undefined, Uint16Array],
  ['BF16', 2, undefined, Uint16Array],
  ['FP32', 4, 'fp32_contents', Float32Array],
  ['FP64', 8, 'fp64_contents', Float64Array],
  ['BYTES', 0, 'bytes_contents', undefined],
] as const;

describe('the datatypes', () => {
  it('are those of the protocol', () => {
    expect(Object.keys(DATATYPES)).toEqual(PROTOCOL.map(([datatype]) => datatype));
  });

  it.each(PROTOCOL)('%s has its size, field and array', (datatype, size, field, array) => {
    expect(datatypeInfo(datatype)).toMatchObject({ size, field, array });
    if (array !== undefined) expect(array.BYTES_PER_ELEMENT).toBe(size);
  });

  it.each([
    ['BOOL', 0, 1],
    ['UINT8', 0, 255],
    ['UINT16', 0, 65_535],
    ['UINT32', 0, 4_294_967_295],
    ['INT8', -128, 127],
    ['INT16', -32_768, 32_767],
    ['INT32', -2_147_483_648, 2_147_483_647],
  ] as const)('%s reaches from %d to %d', (datatype, min, max) => {
    expect(datatypeInfo(datatype)).toMatchObject({ min, max });
  });

  it('bound the 64-bit integers exactly', () => {
    expect(BIG_BOUNDS.INT64).toEqual({ min: -9_223_372_036_854_775_808n, max: 9_223_372_036_854_775_807n });
    expect(BIG_BOUNDS.UINT64).toEqual({ min: 0n, max: 18_446_744_073_709_551_615n });
  });
});

describe('isDatatype', () => {
  it.each(PROTOCOL.map(([datatype]) => datatype))('knows %s', (datatype) => {
    expect(isDatatype(datatype)).toBe(true);
  });

  it.each(['fp32', 'Fp32', ' FP32', 'FP32 ', 'TYPE_FP32', 'STRING', 'FP8', '', '__proto__', 'constructor', 'toString'])(
    'refuses %j',
    (name) => {
      expect(isDatatype(name)).toBe(false);
    },
  );

  it.each([undefined, null, 0, true, {}, { toString: () => 'FP32' }, ['FP32']])(
    'refuses %o, which is no text',
    (value) => {
      expect(isDatatype(value)).toBe(false);
    },
  );
});

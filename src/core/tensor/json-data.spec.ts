import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { invalidArgument } from '../errors/catalogue.js';
import { inputField } from '../errors/request-field.js';
import { parseJson, parseJsonExactly } from '../json/parse-json.js';
import type { Datatype } from './datatype.js';
import { decodeJsonData, encodeJsonData, MAX_JSON_DEPTH } from './json-data.js';
import {
  bf16,
  bool,
  bytes,
  fp16,
  fp32,
  fp64,
  int16,
  int32,
  int64,
  int8,
  uint16,
  uint32,
  uint64,
  uint8,
} from './kinds.js';
import type { Shape } from './shape.js';
import type { Tensor } from './tensor.js';

const place = { input: 'x', model: 'm' };

const wrongData = (message: string) => invalidArgument(message, inputField('x', 'contents'));

const decode = (datatype: Datatype, shape: Shape, json: string): Tensor =>
  decodeJsonData(datatype, shape, parseJsonExactly(json), place);

const nested = (levels: number, json: string): string => '['.repeat(levels) + json + ']'.repeat(levels);

describe('JSON data', () => {
  it.each([
    [bool.of([2], [true, false]), '[true, false]'],
    [uint8.of([2], [0, 255]), '[0, 255]'],
    [uint16.of([2], [0, 65_535]), '[0, 65535]'],
    [uint32.of([2], [0, 4_294_967_295]), '[0, 4294967295]'],
    [uint64.of([2], [0n, 2n ** 64n - 1n]), '[0, 18446744073709551615]'],
    [int8.of([2], [-128, 127]), '[-128, 127]'],
    [int16.of([2], [-32_768, 32_767]), '[-32768, 32767]'],
    [int32.of([2], [-(2 ** 31), 2 ** 31 - 1]), '[-2147483648, 2147483647]'],
    [int64.of([2], [-(2n ** 63n), 2n ** 63n - 1n]), '[-9223372036854775808, 9223372036854775807]'],
    [int64.of([2], [-(2n ** 53n) - 1n, 2n ** 53n + 1n]), '[-9007199254740993, 9007199254740993]'],
    [fp32.of([2], [0.1, -1.5]), '[0.1, -1.5]'],
    [fp64.of([2], [0.1, 5e-324]), '[0.1, 5e-324]'],
    [bytes.of([2], ['é🦊', 'a\0b']), String.raw`["é🦊", "a\u0000b"]`],
  ])('is read: %o', (tensor, json) => {
    expect(decode(tensor.datatype, [2], json)).toStrictEqual(tensor);
  });

  it.each<[Datatype, string, Tensor['data']]>([
    ['INT32', '1.0', Int32Array.of(1)],
    ['UINT8', '2.5e2', Uint8Array.of(250)],
    ['INT8', '-0', Int8Array.of(0)],
    ['INT64', '3.0', BigInt64Array.of(3n)],
    ['INT64', '-0.0', BigInt64Array.of(0n)],
    ['UINT64', '1e18', BigUint64Array.of(10n ** 18n)],
    ['INT64', '9007199254740993.0', BigInt64Array.of(9_007_199_254_740_993n)],
    ['INT64', '-92233720368547758.08e2', BigInt64Array.of(-(2n ** 63n))],
    ['BOOL', '0', Uint8Array.of(0)],
    ['BOOL', '1', Uint8Array.of(1)],
    ['BOOL', '0.0', Uint8Array.of(0)],
    ['BOOL', '1.0', Uint8Array.of(1)],
    ['BYTES', '42', [Buffer.from('42')]],
    ['BYTES', '-7.0', [Buffer.from('-7')]],
    ['BYTES', '-0', [Buffer.from('0')]],
    ['BYTES', '9007199254740991', [Buffer.from('9007199254740991')]],
    ['BYTES', '18446744073709551616', [Buffer.from('18446744073709551616')]],
    ['FP32', '3', Float32Array.of(3)],
    ['FP32', '16777217', Float32Array.of(16_777_216)],
    ['FP64', '9007199254740993', Float64Array.of(9_007_199_254_740_992)],
    ['FP32', '3.4028234663852886e38', Float32Array.of(3.4028234663852886e38)],
    ['FP32', '1e-60', Float32Array.of(0)],
  ])('is taken leniently where nothing is lost: %s of %s', (datatype, json, data) => {
    expect(decode(datatype, [1], `[${json}]`).data).toStrictEqual(data);
  });

  it.each<[Datatype, string, string, string]>([
    ['INT32', '2147483648', 'an integer from -2147483648 to 2147483647', '2147483648'],
    ['INT32', '-2147483649', 'an integer from -2147483648 to 2147483647', '-2147483649'],
    ['INT32', '1.5', 'an integer from -2147483648 to 2147483647', '1.5'],
    ['INT32', '9007199254740993', 'an integer from -2147483648 to 2147483647', '9007199254740993'],
    ['INT32', '"1"', 'an integer from -2147483648 to 2147483647', '"1"'],
    ['INT32', 'true', 'an integer from -2147483648 to 2147483647', 'true'],
    ['INT32', 'null', 'an integer from -2147483648 to 2147483647', 'null'],
    ['INT32', 'NaN', 'an integer from -2147483648 to 2147483647', 'NaN'],
    ['UINT8', '-1', 'an integer from 0 to 255', '-1'],
    ['UINT8', '256', 'an integer from 0 to 255', '256'],
    ['UINT32', '4294967296', 'an integer from 0 to 4294967295', '4294967296'],
    [
      'INT64',
      '9223372036854775808',
      'an integer from -9223372036854775808 to 9223372036854775807',
      '9223372036854775808',
    ],
    ['INT64', '0.5', 'an integer from -9223372036854775808 to 9223372036854775807', '0.5'],
    ['INT64', '"5"', 'an integer from -9223372036854775808 to 9223372036854775807', '"5"'],
    ['INT64', '1e400', 'an integer from -9223372036854775808 to 9223372036854775807', 'Infinity'],
    ['UINT64', '-1', 'an integer from 0 to 18446744073709551615', '-1'],
    ['UINT64', '18446744073709551616', 'an integer from 0 to 18446744073709551615', '18446744073709551616'],
    ['BOOL', '2', 'true, false, 0 or 1', '2'],
    ['BOOL', '-1', 'true, false, 0 or 1', '-1'],
    ['BOOL', '0.5', 'true, false, 0 or 1', '0.5'],
    ['BOOL', '"true"', 'true, false, 0 or 1', '"true"'],
    ['BOOL', 'null', 'true, false, 0 or 1', 'null'],
    ['FP32', '1e39', 'a number in its range', '1e+39'],
    ['FP32', '-3.4028236e38', 'a number in its range', '-3.4028236e+38'],
    ['FP32', '"1"', 'a number in its range', '"1"'],
    ['FP64', 'true', 'a number in its range', 'true'],
    ['FP64', '"nan"', 'a number in its range', '"nan"'],
    ['FP64', '{}', 'a number in its range', 'an object'],
    ['BYTES', '1.5', 'a string of well-formed Unicode', '1.5'],
    ['BYTES', '1e20', 'a string of well-formed Unicode', '100000000000000000000'],
    ['BYTES', 'true', 'a string of well-formed Unicode', 'true'],
    ['BYTES', 'null', 'a string of well-formed Unicode', 'null'],
    ['BYTES', '{"a":1}', 'a string of well-formed Unicode', 'an object'],
    ['BYTES', String.raw`"a\ud800b"`, 'a string of well-formed Unicode', '"a\u{FFFD}b"'],
    ['BYTES', String.raw`"\udc00"`, 'a string of well-formed Unicode', '"\u{FFFD}"'],
  ])('is refused of the wrong kind: %s of %s', (datatype, json, wanted, got) => {
    expect(() => decode(datatype, [1], `[${json}]`)).toThrow(
      wrongData(`Unable to parse 'data': input 'x' of datatype ${datatype} takes ${wanted}, got ${got}`),
    );
  });

  it('names a long value by its beginning', () => {
    expect(() => decode('INT8', [1], JSON.stringify(['y'.repeat(10_000)]))).toThrow(/, got "y{39}…$/);
  });

  it('reads NaN and the infinities in each of their forms', () => {
    const json = '[NaN, "NaN", null, Infinity, "Infinity", Inf, -Infinity, "-Infinity", -Inf]';
    const nan = Number.NaN;
    const forms = [nan, nan, nan, Infinity, Infinity, Infinity, -Infinity, -Infinity, -Infinity];
    expect(decode('FP64', [9], json).data).toEqual(Float64Array.from(forms));
    expect(decode('FP32', [9], json).data).toEqual(Float32Array.from(forms));
  });

  it('keeps -0', () => {
    expect(Object.is(decode('FP32', [1], '[-0.0]').data[0], -0)).toBe(true);
    expect(Object.is(decode('FP64', [1], '[-0]').data[0], -0)).toBe(true);
  });

  it.each(['FP16', 'BF16'] as const)('does not carry %s', (datatype) => {
    expect(() => decode(datatype, [1], '[1]')).toThrow(
      wrongData(`receiving ${datatype} data via JSON is not supported. Please use the binary data format for input x`),
    );
  });
});

describe('the nesting of JSON data', () => {
  it.each<[Shape, string]>([
    [[2, 3], '[[1,2,3],[4,5,6]]'],
    [[2, 3], '[1,2,3,4,5,6]'],
    [[2, 3], '[[[1],[2],[3]],[[4],[5],[6]]]'],
    [[3, 2], '[[1,2,3],[4,5,6]]'],
    [[6], '[[1,2],[3,4],[5,6]]'],
  ])('is flattened row by row: %j of %s', (shape, json) => {
    expect(decode('INT8', shape, json).data).toEqual(Int8Array.of(1, 2, 3, 4, 5, 6));
  });

  it.each<[Shape, string]>([
    [[], '7'],
    [[], '[7]'],
    [[1], '7'],
    [[1, 1], '[[7]]'],
  ])('may be that of one value: %j of %s', (shape, json) => {
    expect(decode('INT8', shape, json).data).toEqual(Int8Array.of(7));
  });

  it.each<[Shape, string]>([
    [[0], '[]'],
    [[0, 3], '[]'],
    [[2, 0], '[[],[]]'],
    [[1, 1, 0], '[[[]]]'],
  ])('may hold nothing: %j of %s', (shape, json) => {
    expect(decode('INT8', shape, json).data).toHaveLength(0);
    expect(decode('BYTES', shape, json).data).toHaveLength(0);
  });

  it('may be 50 deep around one value, and as deep as the limit', () => {
    expect(decode('FP32', [1, 1], nested(50, '7')).data).toEqual(Float32Array.of(7));
    expect(decode('FP32', [1, 1], nested(MAX_JSON_DEPTH, '7')).data).toEqual(Float32Array.of(7));
  });

  it.each([MAX_JSON_DEPTH + 1, 100_000])('may not be %d deep', (levels) => {
    expect(() => decodeJsonData('FP32', [1], parseJson(nested(levels, '7')), place)).toThrow(
      wrongData('JSON nesting depth exceeds maximum allowed limit (100)'),
    );
  });

  it.each([
    ['[[1,2],[3]]', 1],
    ['[[1,2],3]', 1],
    ['[1,[2,3]]', 1],
    ['[[[1,2]],[[3,4,5]]]', 2],
    ['[[[1],[2]],[[3],4]]', 2],
    ['[[],[1]]', 1],
  ])('may not be ragged: %s', (json, depth) => {
    expect(() => decode('INT8', [3], json)).toThrow(
      wrongData(`Unable to parse 'data': input 'x' is ragged, arrays at depth ${depth} differ in length`),
    );
  });

  it('tells fewer elements from more', () => {
    expect(() => decode('INT8', [1, 4], '[1,2,3]')).toThrow(
      wrongData(
        "Failed to parse 'data' field: shape does not match true shape: input 'x' has shape [1,4], expected 4 elements, got 3",
      ),
    );
    expect(() => decode('INT8', [1, 2], '[[1,2,3]]')).toThrow(
      wrongData(
        "Unable to parse 'data': Shape does not match true shape of 'data' field: input 'x' has shape [1,2], expected 2 elements, got 3",
      ),
    );
    expect(() => decode('BYTES', [0], '["a"]')).toThrow('expected 0 elements, got 1');
    expect(() => decode('BYTES', [], '[]')).toThrow('expected 1 elements, got 0');
  });

  it('does not hide a shape that overflows', () => {
    expect(() => decode('FP32', [16, 2 ** 60 + 2], '[1]')).toThrow(
      'causes total element count to exceed maximum size of',
    );
    expect(() => decode('FP32', [4, 2 ** 60 + 2], '[1]')).toThrow('byte size overflow for input');
    expect(() => decode('BYTES', [2 ** 40, 2 ** 40], '["a"]')).toThrow('causes total element count');
    expect(() => decode('FP32', [-1], '[1]')).toThrow('dimension -1 of shape [-1]');
  });
});

describe('encoding as JSON', () => {
  it.each([
    [bool.of([3], Uint8Array.of(0, 1, 2)), '[false,true,true]'],
    [uint8.of([2], [0, 255]), '[0,255]'],
    [uint16.of([1], [65_535]), '[65535]'],
    [uint32.of([1], [4_294_967_295]), '[4294967295]'],
    [uint64.of([1], [2n ** 64n - 1n]), '[18446744073709551615]'],
    [int8.of([2], [-128, 127]), '[-128,127]'],
    [int16.of([1], [-32_768]), '[-32768]'],
    [int32.of([1], [-2_147_483_648]), '[-2147483648]'],
    [int64.of([2], [-(2n ** 63n), 2n ** 63n - 1n]), '[-9223372036854775808,9223372036854775807]'],
    [fp32.of([3], [1, 6.8, 1e-45]), '[1,6.800000190734863,1.401298464324817e-45]'],
    [fp64.of([3], [0.1, 1e21, 5e-324]), '[0.1,1e+21,5e-324]'],
    [bytes.of([3], ['', 'é🦊', 'a"\\\0\n']), String.raw`["","é🦊","a\"\\\u0000\n"]`],
    [fp32.of([2, 2], [1, 2, 3, 4]), '[1,2,3,4]'],
    [fp32.of([], [5]), '[5]'],
    [fp32.of([0], []), '[]'],
    [bytes.of([0], []), '[]'],
  ])('writes all elements flat: %o', (tensor, json) => {
    expect(encodeJsonData(tensor, 'y')).toBe(json);
  });

  it('writes NaN and the infinities bare, or as null', () => {
    const values = [Number.NaN, Infinity, -Infinity, 0.5];
    for (const tensor of [fp32.of([4], values), fp64.of([4], values)]) {
      expect(encodeJsonData(tensor, 'y')).toBe('[NaN,Infinity,-Infinity,0.5]');
      expect(encodeJsonData(tensor, 'y', 'bare')).toBe('[NaN,Infinity,-Infinity,0.5]');
      expect(encodeJsonData(tensor, 'y', 'null')).toBe('[null,null,null,0.5]');
    }
  });

  it('keeps the sign of -0, also beside NaN', () => {
    expect(encodeJsonData(fp64.of([3], [-0, 0, 1]), 'y')).toBe('[-0.0,0,1]');
    expect(encodeJsonData(fp32.of([2], [-0, Number.NaN]), 'y')).toBe('[-0.0,NaN]');
    expect(encodeJsonData(fp32.of([2], [-0, Number.NaN]), 'y', 'null')).toBe('[-0.0,null]');
  });

  it('writes each element as it would be written alone', () => {
    const word = (value: number): string => (Object.is(value, -0) ? '-0.0' : String(value));
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.double(), fc.constantFrom(-0, 0, Number.NaN, -Infinity))), (values) => {
        expect(encodeJsonData(fp64.of([values.length], values), 'y')).toBe(`[${values.map(word).join(',')}]`);
        const rounded = Float32Array.from(values);
        expect(encodeJsonData(fp32.of([values.length], rounded), 'y')).toBe(`[${Array.from(rounded, word).join(',')}]`);
      }),
    );
  });

  it('is strict JSON with the option null', () => {
    const tensor = fp64.of([6], [Number.NaN, Infinity, -Infinity, -0, 1e300, 5e-324]);
    expect(JSON.parse(encodeJsonData(tensor, 'y', 'null'))).toEqual([null, null, null, -0, 1e300, 5e-324]);
  });

  it.each([fp16.of([1], [1]), bf16.of([1], [1])])('refuses the 16-bit floats: %o', (tensor) => {
    expect(() => encodeJsonData(tensor, 'y')).toThrow(
      invalidArgument(
        `sending ${tensor.datatype} data via JSON is not supported. Please use the binary data format for output y`,
      ),
    );
  });

  it.each([
    ['a lone byte', Buffer.of(0xff)],
    ['an encoded surrogate', Buffer.of(0xed, 0xa0, 0x80)],
    ['a cut sequence', Buffer.of(0x61, 0xc3)],
  ])('refuses bytes that are not UTF-8: %s', (_, element) => {
    expect(() => encodeJsonData(bytes.of([2], ['fine', element]), 'y')).toThrow(
      invalidArgument(
        "output 'y' holds bytes that are not UTF-8, which JSON cannot carry: request it with the parameter binary_data=true",
      ),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ParameterValue } from '../../core/inference/parameters.js';
import { decodeParameters, encodeParameters } from './parameters.js';

const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;
const MAX_UINT64 = 2n ** 64n - 1n;

const decode = (parameter: object): ParameterValue | undefined =>
  decodeParameters({ p: parameter }, 'the request').get('p');
const encode = (value: ParameterValue): object | undefined => encodeParameters(new Map([['p', value]]))['p'];

describe('a value of gRPC', () => {
  it.each<[object, ParameterValue]>([
    [{ bool_param: true }, true],
    [{ bool_param: false }, false],
    [{ string_param: '' }, ''],
    [{ string_param: 'a\u4e2d' }, 'a\u4e2d'],
    [{ double_param: 0.5 }, 0.5],
    [{ double_param: 3 }, 3],
    [{ double_param: Infinity }, Infinity],
    [{ int64_param: '0' }, 0],
    [{ int64_param: '-7' }, -7],
    [{ int64_param: 7 }, 7],
    [{ int64_param: 7n }, 7],
    [{ int64_param: '9007199254740991' }, Number.MAX_SAFE_INTEGER],
    [{ int64_param: '9007199254740992' }, 2n ** 53n],
    [{ int64_param: '9007199254740993' }, 2n ** 53n + 1n],
    [{ int64_param: MIN_INT64.toString() }, MIN_INT64],
    [{ int64_param: MAX_INT64.toString() }, MAX_INT64],
    [{ uint64_param: '7' }, 7],
    [{ uint64_param: MAX_UINT64.toString() }, MAX_UINT64],
    [{ uint64_param: MAX_UINT64 }, MAX_UINT64],
    [{ parameter_choice: 'string_param', string_param: 'x' }, 'x'],
  ])('%o is read', (parameter, value) => {
    expect(decode(parameter)).toBe(value);
  });

  it('that is none is refused', () => {
    expect(() => decodeParameters({ p: {} }, "output 'y'")).toThrow(
      expect.objectContaining({
        code: 'invalid-argument',
        message: "parameter 'p' of output 'y' has no value: set one of its choices",
      }),
    );
  });
});

describe('a value of a model', () => {
  it.each<[ParameterValue, object]>([
    [true, { bool_param: true }],
    ['', { string_param: '' }],
    [7, { int64_param: 7 }],
    [-7, { int64_param: -7 }],
    [Number.MAX_SAFE_INTEGER, { int64_param: Number.MAX_SAFE_INTEGER }],
    [2 ** 53, { double_param: 2 ** 53 }],
    [0.5, { double_param: 0.5 }],
    [Infinity, { double_param: Infinity }],
    [MIN_INT64, { int64_param: '-9223372036854775808' }],
    [MAX_INT64, { int64_param: '9223372036854775807' }],
    [MAX_INT64 + 1n, { uint64_param: '9223372036854775808' }],
    [MAX_UINT64, { uint64_param: '18446744073709551615' }],
  ])('%o is written', (value, parameter) => {
    expect(encode(value)).toEqual(parameter);
  });
});

const value: fc.Arbitrary<ParameterValue> = fc.oneof(
  fc.boolean(),
  fc.string({ unit: 'grapheme' }),
  fc.maxSafeInteger(),
  fc.double(),
  // What a double holds exactly is a number here, whichever way it came.
  fc.bigInt({ min: 2n ** 53n, max: MAX_UINT64 }),
  fc.bigInt({ min: MIN_INT64, max: -(2n ** 53n) }),
);

it('comes back as it was, under any name', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string(), value)), (entries) => {
      const parameters = new Map(entries);
      const back = decodeParameters(encodeParameters(parameters), 'the request');
      // -0 has no sign as an integer, and an object lists names like '0' first.
      const plain = (map: ReadonlyMap<string, ParameterValue>) =>
        [...map].map(([name, item]) => [name, item === 0 ? 0 : item] as const).sort(([a], [b]) => (a < b ? -1 : 1));
      expect(plain(back)).toEqual(plain(parameters));
    }),
  );
});

it('has no more names than were set', () => {
  expect(decodeParameters(undefined, 'the request').size).toBe(0);
  const map = encodeParameters(new Map([['__proto__', 'own']]));
  expect(Object.keys(map)).toEqual(['__proto__']);
  expect(Object.keys(encodeParameters(new Map()))).toEqual([]);
});

import { describe, expect, it } from 'vitest';
import { invalidArgument } from '../errors/catalogue.js';
import { type Datatype, DATATYPES, datatypeInfo, isDatatype, type TypedField } from './datatype.js';
import type { TypedContents } from './encoded-tensor.js';
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
import { decodeTyped } from './typed-contents.js';

const place = { input: 'x', model: 'm' };

const decode = (datatype: Datatype, shape: Shape, ...fields: TypedContents[]): Tensor =>
  decodeTyped(datatype, shape, fields, place);

const filled = (field: TypedField, ...values: unknown[]): TypedContents => ({ field, values });

const FIELDS: readonly TypedField[] = [
  'bool_contents',
  'int_contents',
  'int64_contents',
  'uint_contents',
  'uint64_contents',
  'fp32_contents',
  'fp64_contents',
  'bytes_contents',
];

describe('typed contents', () => {
  it.each([
    [bool.of([2], [true, false]), filled('bool_contents', true, false)],
    [uint8.of([2], [0, 255]), filled('uint_contents', 0, 255)],
    [uint16.of([2], [0, 65_535]), filled('uint_contents', 0, 65_535)],
    [uint32.of([2], [0, 4_294_967_295]), filled('uint_contents', 0, 4_294_967_295)],
    [uint64.of([2], [0n, 2n ** 64n - 1n]), filled('uint64_contents', '0', '18446744073709551615')],
    [int8.of([2], [-128, 127]), filled('int_contents', -128, 127)],
    [int16.of([2], [-32_768, 32_767]), filled('int_contents', -32_768, 32_767)],
    [int32.of([2], [-(2 ** 31), 2 ** 31 - 1]), filled('int_contents', -(2 ** 31), 2 ** 31 - 1)],
    [
      int64.of([2], [-(2n ** 63n), 2n ** 63n - 1n]),
      filled('int64_contents', '-9223372036854775808', '9223372036854775807'),
    ],
    [fp16.of([2], [1, -2]), filled('bytes_contents', Buffer.of(0x00, 0x3c, 0x00, 0xc0))],
    [bf16.of([2], [1, -2]), filled('bytes_contents', Buffer.of(0x80, 0x3f, 0x00, 0xc0))],
    [fp32.of([2], [Math.fround(0.1), -0]), filled('fp32_contents', Math.fround(0.1), -0)],
    [fp64.of([2], [0.1, Number.NaN]), filled('fp64_contents', 0.1, Number.NaN)],
    [bytes.of([2], ['é', Buffer.of(0xff, 0)]), filled('bytes_contents', Buffer.from('é'), Buffer.of(0xff, 0))],
  ])('are read from the field of the datatype: %o', (tensor, contents) => {
    expect(decode(tensor.datatype, [2], contents)).toStrictEqual(tensor);
  });

  it('take 64-bit integers as decimal strings, bigints and numbers', () => {
    expect(
      decode('INT64', [3], filled('int64_contents', '-9007199254740993', -9_007_199_254_740_993n, -7)).data,
    ).toEqual(BigInt64Array.of(-9_007_199_254_740_993n, -9_007_199_254_740_993n, -7n));
  });

  it('are taken uncopied where they are the datatype’s own array', () => {
    const floats = Float32Array.of(1, 2);
    const bigints = BigInt64Array.of(1n, 2n);
    expect(decode('FP32', [2], { field: 'fp32_contents', values: floats }).data).toBe(floats);
    expect(decode('INT64', [2], { field: 'int64_contents', values: bigints }).data).toBe(bigints);
  });

  it('keep bytes without their receive buffer’s neighbours', () => {
    const element = Buffer.from('-ab-').subarray(1, 3);
    expect(decode('BYTES', [1], filled('bytes_contents', element)).data).toEqual([Buffer.from('ab')]);
  });

  it('may be a scalar', () => {
    expect(decode('INT32', [], filled('int_contents', 5)).data).toEqual(Int32Array.of(5));
  });
});

describe('an empty tensor', () => {
  it.each(Object.keys(DATATYPES).filter(isDatatype))('of %s has no field on the wire', (datatype) => {
    const tensor = decode(datatype, [3, 0]);
    expect(tensor).toMatchObject({ datatype, shape: [3, 0] });
    expect(tensor.data).toHaveLength(0);
  });

  it('may also come with its field', () => {
    expect(decode('FP32', [0], filled('fp32_contents')).data).toEqual(new Float32Array());
    expect(decode('FP16', [0], filled('bytes_contents', Buffer.of())).data).toEqual(new Uint16Array());
  });
});

describe('a field that is not the datatype’s', () => {
  const cases = Object.keys(DATATYPES)
    .filter(isDatatype)
    .flatMap((datatype) => {
      const own = datatype === 'FP16' || datatype === 'BF16' ? 'bytes_contents' : datatypeInfo(datatype).field;
      return FIELDS.filter((field) => field !== own).map((field) => [field, datatype] as const);
    });

  it.each(cases)('is refused: %s for %s', (field, datatype) => {
    expect(() => decode(datatype, [1], filled(field, 1))).toThrow(
      expect.objectContaining({
        code: 'invalid-argument',
        message: expect.stringMatching(
          new RegExp(
            `^unexpected explicit tensor data for input tensor 'x' for model 'm' of type '\\w+', expected datatype '${datatype}'$`,
          ),
        ) as unknown,
      }),
    );
  });

  it.each([
    ['bool_contents', 'BOOL'],
    ['int_contents', 'INT32'],
    ['int64_contents', 'INT64'],
    ['uint_contents', 'UINT32'],
    ['uint64_contents', 'UINT64'],
    ['fp32_contents', 'FP32'],
    ['fp64_contents', 'FP64'],
    ['bytes_contents', 'BYTES'],
  ] as const)('is named by its datatype: %s as %s', (field, named) => {
    const datatype = named === 'INT64' ? 'FP32' : 'INT64';
    expect(() => decode(datatype, [1], filled(field, 1))).toThrow(
      `of type '${named}', expected datatype '${datatype}'`,
    );
  });
});

const refusal = (message: string) => invalidArgument(message, 'inputs["x"].contents');

describe('typed contents are refused', () => {
  it('when two fields are set, even where one is the right one', () => {
    expect(() => decode('INT32', [1], filled('int_contents', 1), filled('fp32_contents', 1))).toThrow(
      refusal(
        "unexpected explicit tensor data for input tensor 'x' for model 'm': int_contents and fp32_contents are both set, binary data was already supplied.",
      ),
    );
  });

  it('when there are none', () => {
    expect(() => decode('INT32', [1])).toThrow(
      refusal("unable to find data for input tensor 'x' for model 'm' in request."),
    );
    expect(() => decode('FP16', [])).toThrow('unable to find data');
  });

  it('when there are none, and the shape cannot be counted', () => {
    expect(() => decode('INT32', [-1])).toThrow('dimension -1 of shape [-1]');
  });

  it.each([
    ['FP32', [2, 4], filled('fp32_contents', 1, 2, 3), 32, 12],
    ['INT64', [1], filled('int64_contents', '1', '2'), 8, 16],
    ['BOOL', [], filled('bool_contents', true, true), 1, 2],
    ['INT8', [0], filled('int_contents', 1), 0, 1],
  ] as const)('when they do not fill the shape: %s %j', (datatype, shape, contents, expected, actual) => {
    expect(() => decode(datatype, shape, contents)).toThrow(
      refusal(`input byte size mismatch for input 'x' for model 'm'. Expected ${expected}, got ${actual}`),
    );
  });

  it('when BYTES has fewer or more elements than the shape', () => {
    const texts = [Buffer.from('a'), Buffer.from('b')];
    expect(() => decode('BYTES', [3], filled('bytes_contents', ...texts))).toThrow(
      refusal("expected 3 string elements for inference input 'x' for model 'm', got 2"),
    );
    expect(() => decode('BYTES', [1], filled('bytes_contents', ...texts))).toThrow(
      refusal("unexpected number of string elements 2 for inference input 'x' for model 'm', expecting 1"),
    );
  });

  it.each([
    ['UINT8', 'uint_contents', 256],
    ['UINT16', 'uint_contents', 65_536],
    ['INT8', 'int_contents', -129],
    ['INT8', 'int_contents', 128],
    ['INT16', 'int_contents', -32_769],
    ['INT16', 'int_contents', 32_768],
    ['INT64', 'int64_contents', '9223372036854775808'],
    ['INT64', 'int64_contents', '-9223372036854775809'],
    ['UINT64', 'uint64_contents', '-1'],
    ['UINT64', 'uint64_contents', '18446744073709551616'],
  ] as const)('when a value is no %s: %s of %s', (datatype, field, value) => {
    expect(() => decode(datatype, [2], filled(field, 0, value))).toThrow(
      refusal(`input 'x' for model 'm': ${value} is out of range for ${datatype}`),
    );
  });

  it.each([
    ['FP16', 'as 2 entries', filled('bytes_contents', Buffer.of(0, 0), Buffer.of(0, 0)), 'got 2 entries'],
    ['BF16', 'as 2 entries', filled('bytes_contents', Buffer.of(0, 0), Buffer.of(0, 0)), 'got 2 entries'],
    ['FP16', 'of another size', filled('bytes_contents', Buffer.of(0, 0, 0)), 'Expected 4, got 3'],
    ['BF16', 'in fp32_contents', filled('fp32_contents', 1, 2), "of type 'FP32', expected datatype 'BF16'"],
  ] as const)('when %s comes %s', (datatype, _, contents, message) => {
    expect(() => decode(datatype, [2], contents)).toThrow(message);
  });

  it('when the shape overflows', () => {
    expect(() => decode('FP32', [16, 2 ** 60 + 2], filled('fp32_contents', 1))).toThrow(
      'causes total element count to exceed maximum size of',
    );
    expect(() => decode('FP32', [4, 2 ** 60 + 2], filled('fp32_contents', 1))).toThrow('byte size overflow for input');
    expect(() => decode('BYTES', [2 ** 40, 2 ** 40], filled('bytes_contents', Buffer.of()))).toThrow(
      'causes total element count to exceed maximum size of',
    );
  });
});

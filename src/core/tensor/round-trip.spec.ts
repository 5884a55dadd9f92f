import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJsonExactly } from '../json/parse-json.js';
import { DATATYPES, datatypeInfo } from './datatype.js';
import type { TypedContents } from './encoded-tensor.js';
import { decodeJsonData, encodeJsonData } from './json-data.js';
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
import { decodeRaw, encodeRaw } from './raw.js';
import { elementCount, type Shape } from './shape.js';
import type { Tensor } from './tensor.js';
import { decodeTyped } from './typed-contents.js';

const place = { input: 'x', model: 'm' };
const runs = { numRuns: 60 };

const shapes = fc.array(fc.nat(4), { maxLength: 4 });

function tensors<V>(
  kind: { of(shape: Shape, values: readonly V[]): Tensor },
  element: fc.Arbitrary<V>,
): fc.Arbitrary<Tensor> {
  return shapes.chain((shape) => {
    const length = elementCount(shape) ?? 0;
    return fc
      .array(element, { minLength: length, maxLength: length, size: 'max' })
      .map((values) => kind.of(shape, values));
  });
}

const ofBits = (kind: typeof fp16 | typeof bf16) => ({
  of: (shape: Shape, bits: readonly number[]): Tensor => kind.of(shape, Uint16Array.from(bits)),
});

const integer = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max });
const anyBits = integer(0, 0xffff);
const text = fc.string({ unit: 'binary' });

const EXACT_IN_JSON: readonly (readonly [string, fc.Arbitrary<Tensor>])[] = [
  ['BOOL', tensors(bool, integer(0, 1))],
  ['UINT8', tensors(uint8, integer(0, 0xff))],
  ['UINT16', tensors(uint16, integer(0, 0xffff))],
  ['UINT32', tensors(uint32, integer(0, 0xffff_ffff))],
  ['UINT64', tensors(uint64, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }))],
  ['INT8', tensors(int8, integer(-0x80, 0x7f))],
  ['INT16', tensors(int16, integer(-0x8000, 0x7fff))],
  ['INT32', tensors(int32, integer(-0x8000_0000, 0x7fff_ffff))],
  ['INT64', tensors(int64, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))],
  ['FP32', tensors(fp32, fc.float())],
  ['FP64', tensors(fp64, fc.double())],
];

const ALL: typeof EXACT_IN_JSON = [
  ...EXACT_IN_JSON,
  ['FP16', tensors(ofBits(fp16), anyBits)],
  ['BF16', tensors(ofBits(bf16), anyBits)],
  ['BYTES', tensors(bytes, fc.uint8Array({ maxLength: 9 }))],
];

it('covers every datatype', () => {
  expect(ALL.map(([datatype]) => datatype).sort()).toEqual(Object.keys(DATATYPES).sort());
});

describe.each(ALL)('%s', (_, arbitrary) => {
  it('survives the raw codec, at any place of a larger buffer', () => {
    const property = fc.property(arbitrary, fc.nat(8), (tensor, offset) => {
      const raw = encodeRaw(tensor);
      const received = new Uint8Array(offset + raw.byteLength + 1);
      received.set(raw, offset);
      const decoded = decodeRaw(
        tensor.datatype,
        tensor.shape,
        received.subarray(offset, offset + raw.byteLength),
        place,
      );
      expect(decoded).toStrictEqual(tensor);
    });
    fc.assert(property, runs);
  });

  it('survives typed contents', () => {
    const property = fc.property(arbitrary, (tensor) => {
      expect(decodeTyped(tensor.datatype, tensor.shape, toContents(tensor), place)).toStrictEqual(tensor);
    });
    fc.assert(property, runs);
  });
});

describe.each([...EXACT_IN_JSON, ['BYTES', tensors(bytes, text)] as const])('%s', (_, arbitrary) => {
  it('survives JSON', () => {
    const property = fc.property(arbitrary, (tensor) => {
      const value = parseJsonExactly(encodeJsonData(tensor, 'y'));
      expect(decodeJsonData(tensor.datatype, tensor.shape, value, place)).toStrictEqual(tensor);
    });
    fc.assert(property, runs);
  });
});

/** As a peer fills the fields of a message: it leaves out an empty one, and writes 64-bit integers as text. */
function toContents(tensor: Tensor): readonly TypedContents[] {
  const { datatype, data } = tensor;
  const { field, numbers } = datatypeInfo(datatype);
  if (data.length === 0) return [];
  if (field === undefined) return [{ field: 'bytes_contents', values: [encodeRaw(tensor)] }];
  if (numbers === 'big-integer') return [{ field, values: Array.from<unknown, string>(data, String) }];
  if (numbers === 'boolean') return [{ field, values: Array.from<unknown, boolean>(data, (value) => value === 1) }];
  return [{ field, values: Array.from<unknown>(data) }];
}

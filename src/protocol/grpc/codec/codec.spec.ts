import type { ServiceDefinition } from '@grpc/proto-loader';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type InferenceResponse, PlacedOutput } from '../../../core/inference/response.js';
import type { ParameterValue } from '../../../core/inference/parameters.js';
import { type Datatype, DATATYPES, datatypeInfo, isDatatype, type TypedField } from '../../../core/tensor/datatype.js';
import { bytes, fp32, int64 } from '../../../core/tensor/kinds.js';
import { Tensor } from '../../../core/tensor/tensor.js';
import { decodeTyped } from '../../../core/tensor/typed-contents.js';
import { encodeRaw } from '../../../core/tensor/raw.js';
import { loadContracts } from '../contracts.js';
import type { ModelInferRequest } from '../messages.js';
import { encodeParameters } from '../parameters.js';
import { decodeModelInferRequest } from './infer-request.js';
import { encodeModelInferResponse } from './infer-response.js';
import { plugCodec } from './plug-codec.js';
import { decodeModelInferResponse } from './infer-response.js';
import { encodeModelStreamInferResponse } from './stream-response.js';
import { encodeEitherResponse, encodeTypedResponse, TypedResponse } from './typed-response.js';

/** The library's own codec of the same contracts is the oracle. */
const service = loadContracts()['inference.GRPCInferenceService'] as unknown as Record<
  string,
  {
    requestSerialize(message: object): Buffer;
    requestDeserialize(bytes: Buffer): ModelInferRequest;
    responseDeserialize(bytes: Buffer): object;
  }
>;
const oracle = service['ModelInfer'];
if (oracle === undefined) throw new Error('the contract has no ModelInfer');

const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 12 }), fc.constant('__proto__'));
const int64s = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const uint64s = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const decimal = (value: bigint): string => value.toString();

const parameter = fc.oneof(
  fc.record({ bool_param: fc.boolean() }),
  fc.record({ int64_param: int64s.map(decimal) }),
  fc.record({ string_param: text }),
  fc.record({ double_param: fc.double() }),
  fc.record({ uint64_param: uint64s.map(decimal) }),
);
const parameters = fc.dictionary(
  text.filter((name) => name !== '__proto__'),
  parameter,
  { maxKeys: 3 },
);
const list = <T>(values: fc.Arbitrary<T>) => fc.array(values, { maxLength: 8 });
const blob = fc.uint8Array({ maxLength: 40 }).map((data) => Buffer.from(data));

const contents = fc.oneof(
  fc.record({ bool_contents: list(fc.boolean()) }),
  fc.record({ int_contents: list(fc.integer()) }),
  fc.record({ int64_contents: list(int64s.map(decimal)) }),
  fc.record({ uint_contents: list(fc.integer({ min: 0, max: 2 ** 32 - 1 })) }),
  fc.record({ uint64_contents: list(uint64s.map(decimal)) }),
  fc.record({ fp32_contents: list(fc.float()) }),
  fc.record({ fp64_contents: list(fc.double()) }),
  fc.record({ bytes_contents: list(blob) }),
  fc.record({ fp32_contents: list(fc.float()), bytes_contents: list(blob) }),
);

const message = fc.record(
  {
    model_name: text,
    model_version: text,
    id: text,
    parameters,
    inputs: list(
      fc.record(
        { name: text, datatype: text, shape: list(int64s.map(decimal)), parameters, contents },
        { requiredKeys: [] },
      ),
    ),
    outputs: list(fc.record({ name: text, parameters }, { requiredKeys: [] })),
    raw_input_contents: list(blob),
  },
  { requiredKeys: [] },
);

/** One form for what both codecs give: values as text, empty fields left out. */
function plain(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('hex');
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number>, plain);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'boolean') return String(+value);
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : String(value);
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .map(([key, item]) => [key, plain(item)] as const)
    .filter(([key, item]) => item !== '' && !(Array.isArray(item) && item.length === 0) && key !== 'parameter_choice')
    .filter(([key, item]) => !(key === 'parameters' && Object.keys(item as object).length === 0));
  return Object.fromEntries(entries);
}

describe('a ModelInferRequest', () => {
  it('is read as the library reads it', () => {
    fc.assert(
      fc.property(message, (request) => {
        const encoded = oracle.requestSerialize(request);
        expect(plain(decodeModelInferRequest(encoded))).toEqual(plain(oracle.requestDeserialize(encoded)));
      }),
      { numRuns: 300 },
    );
  });

  it('is read from any mutation, or refused, without a hang or memory out of proportion', () => {
    fc.assert(
      fc.property(
        message,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
        fc.nat(),
        (request, flips, cut) => {
          const encoded = Buffer.from(oracle.requestSerialize(request));
          for (const [at, value] of flips) if (encoded.length > 0) encoded[at % encoded.length] = value;
          const mutated = encoded.subarray(0, encoded.length - (cut % 4 === 0 ? cut % (encoded.length + 1) : 0));
          try {
            decodeModelInferRequest(mutated);
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('keeps raw contents and BYTES elements as views on the message', () => {
    const raw = Buffer.from('0123456789');
    const encoded = oracle.requestSerialize({
      raw_input_contents: [raw],
      inputs: [{ contents: { bytes_contents: [raw] } }],
    });
    const decoded = decodeModelInferRequest(encoded);
    for (const view of [decoded.raw_input_contents?.[0], decoded.inputs?.[0]?.contents?.bytes_contents?.[0]]) {
      expect(view).toEqual(raw);
      expect(view?.buffer).toBe(encoded.buffer);
    }
  });

  it('takes values one by one, packed, and mixed', () => {
    // int_contents (field 2): 1 by itself, then 2 and 3 packed, then 4 by itself.
    const values = Buffer.from([0x10, 1, 0x12, 2, 2, 3, 0x10, 4]);
    const input = Buffer.concat([Buffer.from([0x2a, values.length]), values]);
    const decoded = decodeModelInferRequest(Buffer.concat([Buffer.from([0x2a, input.length]), input]));
    expect(Array.from(decoded.inputs?.[0]?.contents?.int_contents ?? [])).toEqual([1, 2, 3, 4]);
  });

  it('reads a million values that come one by one in linear time', () => {
    const values = Buffer.alloc(2_000_000, Buffer.from([0x10, 7]));
    const length = (size: number) =>
      Buffer.from([(size & 0x7f) | 0x80, ((size >> 7) & 0x7f) | 0x80, ((size >> 14) & 0x7f) | 0x80, size >> 21]);
    const contentsField = Buffer.concat([Buffer.from([0x2a]), length(values.length), values]);
    const decoded = decodeModelInferRequest(
      Buffer.concat([Buffer.from([0x2a]), length(contentsField.length), contentsField]),
    );
    expect(decoded.inputs?.[0]?.contents?.int_contents?.length).toBe(1_000_000);
  });

  it('steps over unknown fields, groups included, to a bounded depth', () => {
    const unknown = Buffer.from([
      0xa0, 1, 5, 0xa9, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0xaa, 1, 1, 0, 0xad, 1, 1, 2, 3, 4, 0xa3, 1, 0xa0, 1, 5, 0xa4, 1,
    ]);
    const name = oracle.requestSerialize({ model_name: 'm' });
    expect(decodeModelInferRequest(Buffer.concat([unknown, name])).model_name).toBe('m');
    const nested = Buffer.alloc(200_000, Buffer.from([0xa3, 1]));
    expect(() => decodeModelInferRequest(nested)).toThrow(RangeError);
  });

  it.each([
    ['a length past the end', [0x0a, 200, 1]],
    ['a varint without an end', [0x18, ...Array.from({ length: 12 }, () => 0xff)]],
    ['an end within a field', [0x0a]],
    ['a length of 4 GiB', [0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f]],
    ['a group that never ends', [0xa3, 1]],
    ['a wire type that does not exist', [0x07]],
    ['packed floats of 5 bytes', [0x2a, 9, 0x2a, 7, 0x32, 5, 1, 2, 3, 4, 5]],
  ])('is refused for %s', (_, message) => {
    expect(() => decodeModelInferRequest(Buffer.from(message))).toThrow(RangeError);
  });

  it('takes a parameter called __proto__ as any other', () => {
    const entry = Buffer.concat([Buffer.from([0x0a, 9]), Buffer.from('__proto__'), Buffer.from([0x12, 2, 0x08, 1])]);
    const decoded = decodeModelInferRequest(Buffer.concat([Buffer.from([0x22, entry.length]), entry]));
    expect(Object.entries(decoded.parameters ?? {})).toEqual([['__proto__', { bool_param: true }]]);
    expect(({} as Record<string, unknown>)['bool_param']).toBeUndefined();
  });
});

describe('a ModelInferResponse', () => {
  const value: fc.Arbitrary<ParameterValue> = fc.oneof(
    fc.boolean(),
    text,
    fc.double({ noNaN: true }),
    fc.integer(),
    int64s,
    uint64s,
  );
  const tensor = fc.oneof(
    fc.array(fc.float(), { maxLength: 300 }).map((values) => fp32.of([values.length], values)),
    list(int64s).map((values) => int64.of([values.length, 1], values)),
    list(text).map((values) => bytes.of([values.length], values)),
    fc.constant(fp32.of([], [1])),
    fc.constant(fp32.of([0, 2 ** 40], [])),
  );
  const response: fc.Arbitrary<InferenceResponse> = fc.record({
    model: text,
    version: text,
    id: text,
    parameters: fc
      .array(
        fc.tuple(
          text.filter((name) => name !== '__proto__'),
          value,
        ),
        { maxLength: 3 },
      )
      .map((entries) => new Map(entries)),
    outputs: list(fc.record({ name: text, tensor })),
  });

  it('is written as the library reads it', () => {
    fc.assert(
      fc.property(response, (given) => {
        const decoded = oracle.responseDeserialize(encodeModelInferResponse(given));
        const expected = {
          model_name: given.model,
          model_version: given.version,
          id: given.id,
          parameters: encodeParameters(given.parameters),
          outputs: given.outputs.map(({ name, tensor: { datatype, shape } }) => ({ name, datatype, shape })),
          raw_output_contents: given.outputs.map((output) => Buffer.from(encodeRaw(output.tensor))),
        };
        expect(plain(decoded)).toEqual(plain(expected));
      }),
      { numRuns: 300 },
    );
  });
});

describe('a ModelInferResponse with typed contents', () => {
  const whole = (min: number, max: number) => fc.integer({ min, max });
  const elements: Readonly<Record<Datatype, fc.Arbitrary<unknown>>> = {
    BOOL: fc.boolean(),
    UINT8: whole(0, 0xff),
    UINT16: whole(0, 0xffff),
    UINT32: whole(0, 0xffff_ffff),
    UINT64: uint64s,
    INT8: whole(-0x80, 0x7f),
    INT16: whole(-0x8000, 0x7fff),
    INT32: whole(-(2 ** 31), 2 ** 31 - 1),
    INT64: int64s,
    FP16: whole(0, 0xffff),
    BF16: whole(0, 0xffff),
    FP32: fc.float(),
    FP64: fc.double(),
    BYTES: blob,
  };
  const head = { model: 'm', version: '1', id: 'i', parameters: new Map() };
  const place = { input: 'y', model: 'm' };
  /** How the library tells the contents of one output. */
  const told = (encoded: Buffer): { contents?: Record<string, readonly unknown[]> }[] => {
    const { raw_output_contents: raw, outputs } = oracle.responseDeserialize(encoded) as Record<string, never[]>;
    expect(raw ?? []).toEqual([]);
    return outputs ?? [];
  };

  describe.each(Object.keys(DATATYPES).filter(isDatatype))('of %s', (datatype) => {
    const { array: Data, field } = datatypeInfo(datatype);
    const tensors = fc.array(elements[datatype] as fc.Arbitrary<never>, { maxLength: 40 }).map((values) => {
      const data = Data === undefined ? values : Object.assign(new Data(values.length), values.map(numeric));
      return new Tensor(datatype, [values.length], data as never);
    });

    it('is read back as it was, by this codec and by the library', () => {
      fc.assert(
        fc.property(tensors, text, (tensor, name) => {
          const encoded = encodeTypedResponse({ ...head, outputs: [{ name, tensor }] });
          const [output] = decodeModelInferResponse(encoded).outputs;
          if (output?.contents.kind === 'raw') throw new Error('raw contents');
          const fields = output?.contents.kind === 'typed' ? output.contents.fields : [];
          expect(decodeTyped(datatype, [tensor.data.length], fields, place)).toEqual(tensor);
          const contents = told(encoded)[0]?.contents ?? {};
          expect(Object.keys(contents)).toEqual(tensor.data.length === 0 ? [] : [field ?? 'bytes_contents']);
          const typed = Object.entries(contents).map(([key, values]) => ({ field: key as TypedField, values }));
          expect(decodeTyped(datatype, [tensor.data.length], typed, place)).toEqual(tensor);
        }),
        { numRuns: 100 },
      );
    });
  });

  it('has its head, shapes and content types as the raw one has', () => {
    const outputs = [{ name: 'y', tensor: fp32.of([2, 1], [1, 2]), contentType: 'np' as const }];
    const given = { ...head, parameters: new Map([['p', 'q']]), outputs };
    const [raw, typed] = [encodeModelInferResponse(given), encodeTypedResponse(given)].map(
      (encoded) => oracle.responseDeserialize(encoded) as Record<string, unknown>,
    );
    expect({ ...typed, outputs: [] }).toEqual({ ...raw, raw_output_contents: undefined, outputs: [] });
    expect(typed?.['outputs']).toMatchObject([{ shape: ['2', '1'], contents: { fp32_contents: [1, 2] } }]);
  });

  it('counts any byte of a BOOL but 0 as true', () => {
    const tensor = new Tensor('BOOL', [3], Uint8Array.of(0, 255, 2));
    expect(told(encodeTypedResponse({ ...head, outputs: [{ name: 'y', tensor }] }))).toMatchObject([
      { contents: { bool_contents: [false, true, true] } },
    ]);
  });

  it('has no contents for an output in shared memory', () => {
    const outputs = [new PlacedOutput('y', fp32.of([2], [1, 2])), { name: 'z', tensor: fp32.of([1], [3]) }];
    const [placed, sent] = told(encodeTypedResponse({ ...head, outputs }));
    expect(placed).toMatchObject({ name: 'y', shape: ['2'] });
    expect(placed?.contents ?? null).toBeNull();
    expect(sent).toMatchObject({ contents: { fp32_contents: [3] } });
  });

  it('is what a response becomes that is marked so, in a stream as well', () => {
    const response = { ...head, outputs: [{ name: 'y', tensor: fp32.of([1], [1]) }] };
    const marked = new TypedResponse(response);
    expect(encodeEitherResponse(response)).toEqual(encodeModelInferResponse(response));
    expect(encodeEitherResponse(marked)).toEqual(encodeTypedResponse(response));
    const streamed = encodeModelStreamInferResponse({ error: '', response: marked });
    expect(streamed.subarray(-encodeTypedResponse(response).length)).toEqual(encodeTypedResponse(response));
  });
});

const numeric = (value: unknown): unknown => (typeof value === 'boolean' ? Number(value) : value);

it('leaves the fields of all other requests to themselves', () => {
  const { TraceSetting, SystemSharedMemoryRegister } = plugCodec(loadContracts())[
    'inference.GRPCInferenceService'
  ] as ServiceDefinition;
  const setting = Buffer.from([0x0a, 0x05, 0x0a, 0x01, 0x61, 0x12, 0x00]);
  const { settings = {} } = (TraceSetting?.requestDeserialize(setting) ?? {}) as {
    settings?: Record<string, object>;
  };
  const empty = SystemSharedMemoryRegister?.requestDeserialize(Buffer.alloc(0)) as object;
  expect(Object.keys(settings)).toEqual(['a']);
  for (const message of [settings, settings['a'], empty]) expect(Object.getPrototypeOf(message)).toBeNull();
});

it('is plugged in for both spellings of the service, and for nothing else', () => {
  const [before, after] = [loadContracts(), plugCodec(loadContracts())];
  expect(Object.keys(after)).toEqual(Object.keys(before));
  expect(after['inference.GRPCInferenceService']).toMatchObject({
    ModelInfer: { requestDeserialize: decodeModelInferRequest },
  });
  expect(after['inference.GrpcInferenceService']).toMatchObject({
    ModelInfer: { requestDeserialize: decodeModelInferRequest },
  });
});

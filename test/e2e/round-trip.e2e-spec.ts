import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Datatype } from '#core';
import { serve, type TestServer } from '#testing';
import { ALL_DATATYPES, echoModels, echoOf } from '../support/echo-models.js';
import { FixtureRepository, IDENTITIES, IDENTITY_NAMES } from '../support/fixture-repository.js';
import { answerOfRest, inferOver, inferPath, onlyOutput, rpc } from '../support/wires.js';

/** What goes in comes out, in every datatype, by every form that the wires have, through code and through ONNX. */

const RUNS = { numRuns: 30 };

let repository: FixtureRepository;
let server: TestServer;

beforeAll(async () => {
  repository = await FixtureRepository.of(IDENTITY_NAMES);
  const models = [...echoModels([-1]), ...echoModels([-1, -1, -1], 'cube')];
  server = await serve(models, { environment: { MODEL_REPOSITORY: repository.path } });
});

afterAll(async () => {
  await server.close();
  await repository[Symbol.asyncDispose]();
});

/** How a datatype looks outside: its values, as literals of JSON and as little-endian bytes. None of it is the server's. */
interface Form<V = unknown> {
  readonly value: fc.Arbitrary<V>;
  bytes(value: V): Buffer;
  /** The value in a typed field of the gRPC messages. */
  readonly typed: { readonly field: string; of(value: V): unknown };
  /** The value in JSON, where the datatype has one. */
  json?(value: V): string;
}

const element = (size: number, write: (bytes: Buffer) => void): Buffer => {
  const bytes = Buffer.alloc(size);
  write(bytes);
  return bytes;
};

const integer = (size: number, signed: boolean): Form<number> => {
  const bits = size * 8;
  const [min, max] = signed ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
  return {
    value: fc.integer({ min, max }),
    bytes: (value) =>
      element(size, (bytes) => (signed ? bytes.writeIntLE(value, 0, size) : bytes.writeUIntLE(value, 0, size))),
    typed: { field: signed ? 'int_contents' : 'uint_contents', of: (value) => value },
    json: String,
  };
};

const long = (signed: boolean): Form<bigint> => ({
  value: signed ? fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) : fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  bytes: (value) => element(8, (bytes) => (signed ? bytes.writeBigInt64LE(value) : bytes.writeBigUInt64LE(value))),
  typed: { field: signed ? 'int64_contents' : 'uint64_contents', of: String },
  json: String,
});

const float = (size: 4 | 8): Form<number> => ({
  value: size === 4 ? fc.float() : fc.double(),
  bytes: (value) => element(size, (bytes) => (size === 4 ? bytes.writeFloatLE(value) : bytes.writeDoubleLE(value))),
  typed: { field: size === 4 ? 'fp32_contents' : 'fp64_contents', of: (value) => value },
  json: (value) => (Object.is(value, -0) ? '-0.0' : String(value)),
});

/** Any bits at all; the only typed field that takes them is one of bytes. */
const half: Form<number> = {
  value: fc.integer({ min: 0, max: 0xffff }),
  bytes: (value) => element(2, (bytes) => bytes.writeUInt16LE(value)),
  typed: { field: 'bytes_contents', of: (value) => value },
};

const lengthPrefixed = (content: Buffer): Buffer =>
  Buffer.concat([element(4, (bytes) => bytes.writeUInt32LE(content.length)), content]);

const FORMS: Readonly<Record<Datatype, Form>> = {
  BOOL: {
    value: fc.boolean(),
    bytes: (value: boolean) => Buffer.of(Number(value)),
    typed: { field: 'bool_contents', of: (value: boolean) => value },
    json: String,
  } satisfies Form<boolean>,
  UINT8: integer(1, false),
  UINT16: integer(2, false),
  UINT32: integer(4, false),
  UINT64: long(false),
  INT8: integer(1, true),
  INT16: integer(2, true),
  INT32: integer(4, true),
  INT64: long(true),
  FP16: half,
  BF16: half,
  FP32: float(4),
  FP64: float(8),
  BYTES: {
    // The ONNX runtime ends a text at NUL, and refuses one that has it; models in code take any bytes, see below.
    value: fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !text.includes('\0')),
    bytes: (value: string) => lengthPrefixed(Buffer.from(value)),
    typed: { field: 'bytes_contents', of: (value: string) => Buffer.from(value) },
    json: (value: string) => JSON.stringify(value),
  } satisfies Form<string>,
};

describe.each(ALL_DATATYPES)('%s', (datatype) => {
  const form: Form = FORMS[datatype];
  const { value, typed } = form;
  const json = form.json?.bind(form);
  const identity = IDENTITIES[datatype];
  const echo = { model: echoOf(datatype), input: 'x', output: 'y' };
  const onnx = identity === undefined ? [] : [{ model: identity, input: 'INPUT0', output: 'OUTPUT0' }];
  const lists = fc.array(value, { maxLength: 40 });
  const raw = (values: readonly unknown[]): Buffer => Buffer.concat(values.map((item) => form.bytes(item)));

  describe.each([echo, ...onnx])('$model', ({ model, input, output }) => {
    const holds = (check: (values: readonly unknown[]) => Promise<void>) =>
      fc.assert(fc.asyncProperty(lists, check), RUNS);
    const expected = (values: readonly unknown[]) => {
      return { name: output, datatype, shape: [values.length], raw: raw(values) };
    };

    it('raw contents', () =>
      holds(async (values) => {
        const inputs = [{ name: input, datatype, shape: [values.length], raw: raw(values) }];
        expect(onlyOutput(await inferOver.grpc(server, { model, inputs }))).toEqual(expected(values));
      }));

    it('typed contents', () =>
      holds(async (values) => {
        const entries = json === undefined ? [raw(values)] : values.map((item) => typed.of(item));
        const contents = { [typed.field]: entries };
        const inputs = [{ name: input, datatype, shape: [String(values.length)], contents }];
        const answer = await rpc('ModelInfer', { model_name: model, inputs })(server);
        expect(onlyOutput(answer)).toEqual(expected(values));
      }));

    it('binary data', () =>
      holds(async (values) => {
        const inputs = [{ name: input, datatype, shape: [values.length], raw: raw(values) }];
        const answer = await inferOver.rest(server, { model, inputs, binary: true });
        expect(onlyOutput(answer)).toEqual(expected(values));
      }));

    if (json === undefined) return;

    it('JSON', () =>
      holds(async (values) => {
        const written = values.map((item) => json(item));
        const head = `{"name":"${input}","datatype":"${datatype}","shape":[${values.length}]`;
        const reply = await server.rest.post(inferPath(model), `{"inputs":[${head},"data":[${written.join(',')}]}]}`);
        expect(answerOfRest(reply)).toMatchObject({ status: 200, outputs: [{ name: output, shape: [values.length] }] });
        // Compared as literals: no parser of ours, and none that would round, stands between.
        expect(literals(reply.bytes.toString(), datatype)).toEqual(written.map((text) => literal(text, datatype)));
      }));
  });
});

describe('shapes', () => {
  const dimensions = fc.tuple(fc.nat(4), fc.nat(4), fc.nat(4));
  const nest = (flat: readonly unknown[], [outer = 0, ...inner]: readonly number[]): unknown[] => {
    const stride = inner.reduce((product, dimension) => product * dimension, 1);
    return inner.length === 0
      ? [...flat]
      : Array.from({ length: outer }, (_, i) => nest(flat.slice(i * stride, (i + 1) * stride), inner));
  };

  it.each(['INT32', 'BYTES'] as const)('nested %s is read row by row, whatever its shape', (datatype) =>
    fc.assert(
      fc.asyncProperty(dimensions, async (shape) => {
        const count = shape.reduce((product, dimension) => product * dimension, 1);
        const flat = Array.from({ length: count }, (_, i) => (datatype === 'BYTES' ? `${i}` : i));
        const tensor = { name: 'x', datatype, shape, data: nest(flat, shape) };
        const answers = [
          await inferOver.rest(server, { model: `cube_${datatype}`, inputs: [tensor] }),
          await inferOver.rest(server, { model: `cube_${datatype}`, inputs: [{ ...tensor, data: flat }] }),
        ];
        for (const answer of answers) expect(onlyOutput(answer)).toMatchObject({ shape, data: flat });
      }),
      RUNS,
    ),
  );
});

it('any bytes, through a model in code', async () => {
  const elements = fc.array(fc.uint8Array({ maxLength: 12 }), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(elements, async (values) => {
      const raw = Buffer.concat(values.map((bytes) => lengthPrefixed(Buffer.from(bytes))));
      const inputs = [{ name: 'x', datatype: 'BYTES', shape: [values.length], raw }];
      for (const wire of ['grpc', 'rest'] as const) {
        const answer = await inferOver[wire](server, { model: 'echo_BYTES', inputs, binary: true });
        expect(onlyOutput(answer).raw).toEqual(raw);
      }
    }),
    RUNS,
  );
});

it('any byte but 0 is true', async () => {
  const raw = Buffer.of(0, 1, 2, 0x80, 0xff);
  for (const [model, name] of [
    ['echo_BOOL', 'x'],
    ['identity_bool', 'INPUT0'],
  ] as const) {
    const request = { model, inputs: [{ name, datatype: 'BOOL', shape: [5], raw }] };
    expect(onlyOutput(await inferOver.rest(server, request)).data).toEqual([false, true, true, true, true]);
  }
  const request = { model: 'identity_bool', inputs: [{ name: 'INPUT0', datatype: 'BOOL', shape: [5], raw }] };
  expect(onlyOutput(await inferOver.grpc(server, request)).raw).toEqual(Buffer.of(0, 1, 1, 1, 1));
});

it('binary data at any alignment', async () => {
  // The length of the id shifts the bytes behind the JSON.
  const parts = fc.tuple(fc.string({ unit: 'grapheme-ascii', maxLength: 9 }), fc.array(fc.double(), { maxLength: 5 }));
  await fc.assert(
    fc.asyncProperty(parts, async ([id, values]) => {
      const raw = Buffer.concat(values.map((item) => FORMS.FP64.bytes(item)));
      const inputs = [{ name: 'x', datatype: 'FP64', shape: [values.length], raw }];
      for (const wire of ['grpc', 'rest'] as const) {
        const answer = await inferOver[wire](server, { model: 'echo_FP64', id, inputs, binary: true });
        expect(onlyOutput(answer).raw).toEqual(raw);
      }
    }),
    RUNS,
  );
});

/** The literals of the only output's data. */
function literals(reply: string, datatype: Datatype): unknown[] {
  const data = /"data":\[(.*)\]\}\]\}$/s.exec(reply)?.[1];
  if (data === undefined) throw new Error(`no data in ${reply}`);
  if (datatype === 'BYTES') return JSON.parse(`[${data}]`) as unknown[];
  return data === '' ? [] : data.split(',').map((text) => literal(text, datatype));
}

/** Floats may be written in several ways; all other numbers in one. */
function literal(text: string, datatype: Datatype): unknown {
  if (datatype === 'BYTES') return JSON.parse(text);
  return datatype === 'FP32' || datatype === 'FP64' ? Number(text) : text;
}

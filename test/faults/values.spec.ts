import { afterAll, describe, expect, it } from 'vitest';
import type { Datatype } from '#core';
import { type RestReply, serve } from '#testing';
import { echoModels, echoOf } from '../support/echo-models.js';
import { FixtureRepository, IDENTITIES, IDENTITY_NAMES } from '../support/fixture-repository.js';
import { inferOver, inferPath, onlyOutput, post, type SentTensor, WIRES } from '../support/wires.js';
import { surviving } from './survives.js';

/** F12 to F15: values at the edge of their datatype, through models in code and through the ONNX runtime. */

const repository = await FixtureRepository.of(IDENTITY_NAMES);
afterAll(() => repository[Symbol.asyncDispose]());

const server = surviving(echoModels([-1]), { environment: { MODEL_REPOSITORY: repository.path } });

const REFUSED = { grpc: 'INVALID_ARGUMENT', rest: 400 } as const;

interface Target {
  readonly model: string;
  readonly input: string;
}

/** The model in code and the ONNX model that give a tensor of this datatype back. */
const targets = (datatype: Datatype): Target[] => {
  const identity = IDENTITIES[datatype];
  const echo = { model: echoOf(datatype), input: 'x' };
  return identity === undefined ? [echo] : [echo, { model: identity, input: 'INPUT0' }];
};

const LARGE: Readonly<Partial<Record<Datatype, readonly bigint[]>>> = {
  INT64: [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, -(2n ** 53n) - 1n, 0n, -1n],
  UINT64: [2n ** 64n - 1n, 2n ** 63n, 2n ** 53n + 1n, 0n, 1n],
};

function bytesOf(values: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(values.length * 8);
  values.forEach((value, i) => bytes.writeBigUInt64LE(BigInt.asUintN(64, value), i * 8));
  return bytes;
}

describe.each(WIRES)('%s', (wire) => {
  const echo = async ({ model, input }: Target, datatype: Datatype, sent: Partial<SentTensor>, length: number) =>
    onlyOutput(
      await inferOver[wire](server(), {
        model,
        inputs: [{ name: input, datatype, shape: [length], ...sent }],
        binary: true,
      }),
    );

  describe.each(['INT64', 'UINT64'] as const)('%s', (datatype) => {
    const values = LARGE[datatype] ?? [];

    it.each(targets(datatype))('F12: every digit survives, $model', async (target) => {
      const raw = bytesOf(values);
      expect((await echo(target, datatype, { raw }, values.length)).raw).toEqual(raw);
      expect((await echo(target, datatype, { data: values }, values.length)).raw).toEqual(raw);
    });
  });

  describe.each(['FP32', 'FP64', 'FP16', 'BF16'] as const)('%s', (datatype) => {
    it.each(targets(datatype))('F14: the bits of any number survive, $model', async (target) => {
      const raw = SPECIAL_BITS[datatype];
      const size = datatype === 'FP64' ? 8 : datatype === 'FP32' ? 4 : 2;
      expect((await echo(target, datatype, { raw }, raw.length / size)).raw).toEqual(raw);
    });
  });

  it.each(targets('BYTES'))('F15: text of any script survives, $model', async (target) => {
    const texts = ['', 'plain', 'ü', '你好', '😀👩‍👩‍👧', '\u{10ffff}', '\ufeffmark', '"\\\b\t\u2028'];
    const raw = lengthPrefixed(texts.map((text) => Buffer.from(text)));
    expect((await echo(target, 'BYTES', { raw }, texts.length)).raw).toEqual(raw);
    expect((await echo(target, 'BYTES', { data: texts }, texts.length)).raw).toEqual(raw);
  });

  const ODD_BYTES = [
    ['NUL', Buffer.from('a\0b')],
    ['bytes that are no UTF-8', Buffer.of(0xff, 0xfe, 0x80)],
    ['a surrogate in UTF-8', Buffer.of(0xed, 0xa0, 0x80)],
    ['a sequence cut off', Buffer.of(0xf0, 0x9f, 0x98)],
  ] as const;

  it.each(ODD_BYTES)('F15: %s survives as bytes', async (_, element) => {
    const raw = lengthPrefixed([element]);
    expect((await echo({ model: 'echo_BYTES', input: 'x' }, 'BYTES', { raw }, 1)).raw).toEqual(raw);
  });

  it.each(ODD_BYTES)('F15: %s is refused by a model that would garble it', async (_, element) => {
    const inputs = [{ name: 'INPUT0', datatype: 'BYTES', shape: [1], raw: lengthPrefixed([element]) }];
    expect(await inferOver[wire](server(), { model: 'identity_string', inputs })).toMatchObject({
      status: REFUSED[wire],
      message: expect.stringMatching(/input 'INPUT0'.*UTF-8 without NUL/) as unknown,
    });
  });
});

describe('grpc', () => {
  it.each(['FP32', 'FP64'] as const)(
    'F14: NaN, infinities, -0 and subnormals in typed contents, %s',
    async (datatype) => {
      const { values, bytes } = special(datatype);
      for (const { model, input } of targets(datatype)) {
        const inputs = [{ name: input, datatype, shape: [values.length], data: values }];
        expect(onlyOutput(await inferOver.grpc(server(), { model, inputs })).raw).toEqual(bytes);
      }
    },
  );

  it.each([
    ['INT8', [128, -129, 2 ** 31 - 1], 'int_contents'],
    ['INT16', [32_768, -32_769], 'int_contents'],
    ['UINT8', [256, 2 ** 32 - 1], 'uint_contents'],
    ['UINT16', [65_536], 'uint_contents'],
  ] as const)('F13: a field wider than %s', async (datatype, values, field) => {
    for (const value of values) {
      const inputs = [{ name: 'x', datatype, shape: [1], contents: { [field]: [value] } }];
      expect(await inferOver.grpc(server(), { model: echoOf(datatype), inputs })).toMatchObject({
        status: 'INVALID_ARGUMENT',
        message: `input 'x' for model '${echoOf(datatype)}': ${value} is out of range for ${datatype}`,
      });
    }
  });

  it.each(['\0', 'a\0b', '😀', '\u{10ffff}'])('F15: %j in typed contents', async (text) => {
    const bytes = Buffer.from(text);
    const inputs = [{ name: 'x', datatype: 'BYTES', shape: [1], contents: { bytes_contents: [bytes] } }];
    const answer = await inferOver.grpc(server(), { model: 'echo_BYTES', inputs });
    expect(onlyOutput(answer).raw).toEqual(lengthPrefixed([bytes]));
  });
});

describe('rest', () => {
  const body = (datatype: Datatype, data: string, input = 'x'): string =>
    `{"inputs":[{"name":"${input}","datatype":"${datatype}","shape":[1],"data":[${data}]}]}`;
  const send = (datatype: Datatype, data: string) => post(inferPath(echoOf(datatype)), body(datatype, data))(server());

  const INTEGERS: readonly (readonly [Datatype, string, string])[] = [
    ['UINT8', '0', '255'],
    ['UINT16', '0', '65535'],
    ['UINT32', '0', '4294967295'],
    ['UINT64', '0', '18446744073709551615'],
    ['INT8', '-128', '127'],
    ['INT16', '-32768', '32767'],
    ['INT32', '-2147483648', '2147483647'],
    ['INT64', '-9223372036854775808', '9223372036854775807'],
  ];

  it.each(INTEGERS)('F12: the bounds of %s in JSON, both ways', async (datatype, min, max) => {
    for (const { model, input } of targets(datatype)) {
      for (const bound of [min, max]) {
        const { bytes, status } = await server().rest.post(inferPath(model), body(datatype, bound, input));
        expect([status, dataOf(bytes)]).toEqual([200, `[${bound}]`]);
      }
    }
  });

  it.each(INTEGERS)('F13: what is no %s', async (datatype, min, max) => {
    const beyond = [`${BigInt(max) + 1n}`, `${BigInt(min) - 1n}`, '1e400', '-1e400'];
    for (const value of [...beyond, '0.5', '1e-3', '"1"', 'true', 'null', 'NaN', 'Infinity', '{}']) {
      expect(await send(datatype, value)).toMatchObject({
        status: 400,
        message: expect.stringMatching(
          new RegExp(`^Unable to parse 'data': input 'x' of datatype ${datatype} takes an integer`),
        ) as unknown,
      });
    }
  });

  it.each([
    ['BOOL', ['2', '-1', '0.5', '"true"', 'null', 'NaN', '{}'], 'takes true, false, 0 or 1'],
    ['BYTES', ['0.5', '1e400', 'true', 'null', 'NaN', '{}'], 'takes a string'],
    ['FP32', ['"1"', '1e39', 'true', '"nan"', '{}'], 'takes a number'],
    ['FP64', ['"1"', 'true', '"Inf"', '{}'], 'takes a number'],
  ] as const)('F13: what is no %s', async (datatype, values, rule) => {
    for (const value of values) {
      expect(await send(datatype, value)).toMatchObject({
        status: 400,
        message: expect.stringContaining(`input 'x' of datatype ${datatype} ${rule}`) as unknown,
      });
    }
  });

  it.each([
    ['INT32', '7.0', '[7]'],
    ['UINT8', '2e2', '[200]'],
    ['BOOL', '1', '[true]'],
    ['BOOL', '0.0', '[false]'],
    ['BYTES', '12', '["12"]'],
    ['BYTES', '-9007199254740991', '["-9007199254740991"]'],
    ['FP32', '1', '[1]'],
    ['FP64', '9007199254740993', '[9007199254740992]'],
  ] as const)('F13: leniency without loss, %s %s', async (datatype, value, data) => {
    const { bytes, status } = await server().rest.post(inferPath(echoOf(datatype)), body(datatype, value));
    expect([status, dataOf(bytes)]).toEqual([200, data]);
  });

  it.each(['FP32', 'FP64'] as const)('F14: NaN, infinities, -0 and subnormals in JSON, %s', async (datatype) => {
    const { values, bytes } = special(datatype);
    const finite = jsonOf(values.slice(3));
    for (const { model, input } of targets(datatype)) {
      for (const words of ['NaN,Infinity,-Infinity', '"NaN","Infinity","-Infinity"', 'null,Inf,-Inf']) {
        const fields = `"datatype":"${datatype}","shape":[${values.length}],"data":[${words},${finite}]`;
        const sent = `{"inputs":[{"name":"${input}",${fields}}],"parameters":{"binary_data_output":true}}`;
        expect(onlyOutput(await post(inferPath(model), sent)(server())).raw).toEqual(bytes);
      }
    }
  });

  it.each(['FP32', 'FP64'] as const)('F14: %s in JSON, by the bare words of other servers', async (datatype) => {
    const { values, bytes } = special(datatype);
    for (const target of targets(datatype)) {
      const reply = await inferBinary(server().rest, target, datatype, values.length, bytes);
      expect(dataOf(reply.bytes)).toBe(`[NaN,Infinity,-Infinity,-0.0,${String(values[4])},${String(values[5])}]`);
    }
  });

  it.each(['FP32', 'FP64'] as const)('F14: %s in strict JSON, when the server is told so', async (datatype) => {
    await using strict = await serve(echoModels([-1]), { environment: { JSON_NON_FINITE: 'null' } });
    const { values, bytes } = special(datatype);
    const target = { model: echoOf(datatype), input: 'x' };
    const reply = await inferBinary(strict.rest, target, datatype, values.length, bytes);
    const { outputs } = JSON.parse(reply.bytes.toString()) as { outputs: { data: unknown[] }[] };
    expect(outputs[0]?.data).toEqual([null, null, null, -0, values[4], values[5]]);
  });

  it.each([
    ['"\\u0000"', '"\\u0000"'],
    ['"a\\u0000b"', '"a\\u0000b"'],
    ['"\\ud83d\\ude00"', '"😀"'],
    ['"😀"', '"😀"'],
    ['"\\"\\\\/\\b\\f\\n\\r\\t"', '"\\"\\\\/\\b\\f\\n\\r\\t"'],
  ])('F15: %s in JSON', async (sent, received) => {
    const { bytes, status } = await server().rest.post(inferPath('echo_BYTES'), body('BYTES', sent));
    expect([status, dataOf(bytes)]).toEqual([200, `[${received}]`]);
  });

  it.each(['"\\ud800"', '"\\udc00\\ud800"', '"a\\ud83d"'])('F15: lone surrogate %s in JSON', async (sent) => {
    expect(await send('BYTES', sent)).toMatchObject({
      status: 400,
      message: expect.stringMatching(/input 'x' of datatype BYTES takes a string of well-formed Unicode/) as unknown,
    });
  });

  it('F15: bytes that are no UTF-8 in JSON', async () => {
    const bytes = Buffer.from(body('BYTES', '"\xff\xfe"'), 'latin1');
    expect(await post(inferPath('echo_BYTES'), bytes)(server())).toMatchObject({
      status: 400,
      message: expect.stringMatching(/the body is not UTF-8/) as unknown,
    });
  });

  it('F15: bytes that are no UTF-8 out of a model, as JSON', async () => {
    const inputs = [{ name: 'x', datatype: 'BYTES', shape: [1], raw: lengthPrefixed([Buffer.of(0xff)]) }];
    expect(await inferOver.rest(server(), { model: 'echo_BYTES', inputs })).toMatchObject({
      status: 400,
      message: expect.stringMatching(/^output 'y' holds bytes that are not UTF-8/) as unknown,
    });
  });
});

/** NaN, the infinities, -0, the smallest subnormal, the largest number. */
function special(datatype: 'FP32' | 'FP64'): { values: number[]; bytes: Buffer } {
  const single = datatype === 'FP32';
  const subnormal = single ? 2 ** -149 : 2 ** -1074;
  const largest = single ? (2 - 2 ** -23) * 2 ** 127 : Number.MAX_VALUE;
  const values = [Number.NaN, Infinity, -Infinity, -0, subnormal, largest];
  return { values, bytes: Buffer.from((single ? Float32Array.from(values) : Float64Array.from(values)).buffer) };
}

/** Numbers, NaN with payloads and both signs, subnormals. */
const SPECIAL_BITS: Readonly<Record<'FP16' | 'BF16' | 'FP32' | 'FP64', Buffer>> = {
  FP16: Buffer.from(Uint16Array.of(0x7e00, 0xfe01, 0x7d01, 0x7c00, 0xfc00, 0x8000, 0x0001, 0x03ff, 0x7bff).buffer),
  BF16: Buffer.from(Uint16Array.of(0x7fc0, 0xffc1, 0x7f81, 0x7f80, 0xff80, 0x8000, 0x0001, 0x7f7f).buffer),
  FP32: Buffer.from(
    Uint32Array.of(0x7fc0_0000, 0xffc0_0001, 0x7f80_0001, 0x7f80_0000, 0xff80_0000, 0x8000_0000, 1).buffer,
  ),
  FP64: Buffer.from(
    BigUint64Array.of(0x7ff8_0000_0000_0000n, 0xfff8_0000_0000_0001n, 0x7ff0_0000_0000_0001n, 2n ** 63n, 1n).buffer,
  ),
};

/** JSON writes -0 as 0. */
const jsonOf = (values: readonly number[]): string =>
  values.map((value) => (Object.is(value, -0) ? '-0.0' : String(value))).join(',');

function lengthPrefixed(elements: readonly Buffer[]): Buffer {
  return Buffer.concat(
    elements.flatMap((element) => {
      const prefix = Buffer.alloc(4);
      prefix.writeUInt32LE(element.length);
      return [prefix, element];
    }),
  );
}

/** The text of the only output's `data`. */
const dataOf = (bytes: Buffer): string | undefined => /"data":(\[.*\])\}\]\}$/s.exec(bytes.toString())?.[1];

async function inferBinary(
  rest: { post(path: string, body: unknown, headers: Readonly<Record<string, string>>): Promise<RestReply> },
  { model, input }: Target,
  datatype: Datatype,
  length: number,
  bytes: Buffer,
): Promise<RestReply> {
  const header = `{"inputs":[{"name":"${input}","datatype":"${datatype}","shape":[${length}],"parameters":{"binary_data_size":${bytes.length}}}]}`;
  return rest.post(inferPath(model), Buffer.concat([Buffer.from(header), bytes]), {
    'inference-header-content-length': String(header.length),
  });
}

import { join } from 'node:path';
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { int32, signature, uint8 } from '#core';
import { defineModel, serve, type TestServer } from '#testing';
import { InferenceLimits } from '../../src/inference/inference-limits.js';
import { DigitReaderModel } from '../../src/models/digit-reader/digit-reader.model.js';
import { expectService, Probe, surviving } from '../faults/survives.js';
import { echoModels } from '../support/echo-models.js';
import { atScale } from '../support/full-scale.js';
import { callFramed, grpcFrame, INFER, openSession, openStream, outcomeOf, STREAM } from '../support/http2-call.js';
import { connectRewritten, DATA, END_STREAM, frame, type Frame } from '../support/http2-frames.js';
import { retainedBytes } from '../support/memory.js';
import { field, varint } from '../support/protobuf.js';
import { callRaw, encodeMessage } from '../support/raw-rpc.js';
import { inferOver, inferPath, onlyOutput, post, rpc, type SentTensor, WIRES } from '../support/wires.js';

/** The attacks by size, number and depth on the gRPC server, and those that are the same over both wires. */

const MB = 2 ** 20;
const LIMIT = 4 * MB;

const count = signature({ inputs: { x: uint8(-1) }, outputs: { n: int32(1) } });
const Size = defineModel('size', count, ({ x }) => ({ n: int32.of([1], [x.data.length]) }));

const MANY = Array.from({ length: 16 }, (_, index) => `x${index}`);
const many = signature({
  inputs: Object.fromEntries(MANY.map((name) => [name, uint8(-1)])),
  outputs: { n: int32(1) },
});
const Many = defineModel('many', many, (inputs) => {
  const sum = Object.values(inputs).reduce((total, { data }) => total + data.length, 0);
  return { n: int32.of([1], [sum]) };
});

const server = surviving([Size, Many, ...echoModels([-1, -1]), ...echoModels([-1, -1, -1], 'cube')], {
  environment: { MAX_MESSAGE_BYTES: String(LIMIT) },
});

const REFUSED = { grpc: 'INVALID_ARGUMENT', rest: 400 } as const;
const OK = { grpc: 'OK', rest: 200 } as const;

/** Resolves when so many inferences run: the server hears of the end of a stream after its client. */
const running = (inferences: number): Promise<void> =>
  vi.waitFor(() => expect(server().get(InferenceLimits).inFlight).toBe(inferences), { timeout: 10_000 });

afterEach(() => running(0));

/** An inference of so many zeros, as a message. */
const zeros = (length: number): Buffer =>
  encodeMessage('ModelInfer', {
    model_name: 'size',
    inputs: [{ name: 'x', datatype: 'UINT8', shape: [length] }],
    raw_input_contents: [Buffer.alloc(length)],
  });

/** Such a message that has so many bytes in all. */
function messageOf(bytes: number): Buffer {
  const message = zeros(bytes - (zeros(bytes - 100).length - (bytes - 100)));
  expect(message).toHaveLength(bytes);
  return message;
}

describe('F25: the limit of a message', () => {
  it.each([INFER, STREAM])('F25: %s takes as many bytes as allowed, and not one more', async (path) => {
    expect(await callRaw(server(), path, [messageOf(LIMIT)])).toMatchObject({
      status: 'OK',
      replies: [expect.anything()],
    });
    expect(await callRaw(server(), path, [messageOf(LIMIT + 1)])).toMatchObject({
      status: 'RESOURCE_EXHAUSTED',
      details: `Received message larger than max (${LIMIT + 1} vs ${LIMIT}): send less, or raise MAX_MESSAGE_BYTES`,
      replies: [],
    });
  });

  it.each([
    ['gzip', INFER, gzipSync],
    ['deflate', INFER, deflateSync],
    ['gzip', STREAM, gzipSync],
    ['deflate', STREAM, deflateSync],
  ] as const)('F25: the same of what %s expands to on %s', async (coding, path, pack) => {
    const headers = { 'grpc-encoding': coding };
    expect(await callFramed(server(), path, grpcFrame(pack(messageOf(LIMIT)), 1), headers)).toMatchObject({
      status: 'OK',
    });
    expect(await callFramed(server(), path, grpcFrame(pack(messageOf(LIMIT + 1)), 1), headers)).toMatchObject({
      status: 'RESOURCE_EXHAUSTED',
      details: `Received message that decompresses to a size larger than ${LIMIT}`,
    });
  });

  it('F25: the messages of the library have it too', async () => {
    // A field that the message does not have, so many bytes with its tag and its length.
    const padded = (bytes: number): Buffer => field(100, Buffer.alloc(bytes - 6));
    const path = '/inference.GRPCInferenceService/ServerLive';
    expect(padded(LIMIT)).toHaveLength(LIMIT);
    expect(await callRaw(server(), path, [padded(LIMIT)])).toMatchObject({ status: 'OK' });
    expect(await callRaw(server(), path, [padded(LIMIT + 1)])).toMatchObject({ status: 'RESOURCE_EXHAUSTED' });
  });
});

describe('A30: frames of one byte each', () => {
  /** Cuts what a stream carries into frames of one byte. */
  function crumble({ type, flags, stream, payload }: Frame): Buffer {
    if (type !== DATA) return frame(type, flags, stream, payload);
    const crumbs = Array.from(payload, (byte) => frame(DATA, 0, stream, Buffer.from([byte])));
    return Buffer.concat([...crumbs, ...((flags & END_STREAM) === 0 ? [] : [frame(DATA, END_STREAM, stream)])]);
  }

  async function flood(length: number): Promise<number> {
    const session = connectRewritten(server(), crumble);
    const started = performance.now();
    const stream = openStream(session, INFER);
    const outcome = outcomeOf(stream);
    stream.end(grpcFrame(zeros(length)));
    expect(await outcome).toMatchObject({ status: 'OK' });
    session.destroy();
    return performance.now() - started;
  }

  it('A30: take a time that grows with their number alone', async () => {
    const part = await flood(20_000);
    const whole = await flood(atScale(1_000_000, 80_000));
    expect(whole).toBeLessThan(part * atScale(150, 12) + 1_000);
  });

  it('A30: take memory in proportion to what they bring', async () => {
    const length = atScale(1_000_000, 60_000);
    const before = await retainedBytes();
    const session = connectRewritten(server(), crumble);
    const stream = openStream(session, INFER);
    const outcome = outcomeOf(stream);
    // All but its last byte.
    const sent = grpcFrame(zeros(length)).subarray(0, -1);
    await new Promise((resolve) => void stream.write(sent, resolve));
    // Answered behind all that was written before it.
    await new Promise((resolve) => void session.ping(resolve));
    const perByte = ((await retainedBytes()) - before) / length;
    stream.end(Buffer.alloc(1));
    expect(await outcome).toMatchObject({ status: 'OK' });
    session.destroy();
    expect(perByte).toBeLessThan(32);
  });
});

describe.each(WIRES)('A31: counts that overflow, %s', (wire) => {
  const HUGE = 2 ** 53 - 1;
  const MAX = '9007199254740991';
  const forms = (datatype: string, shape: readonly unknown[]): SentTensor[] => [
    { name: 'x', datatype, shape, data: [1, 1] },
    { name: 'x', datatype, shape, raw: Buffer.alloc(16) },
    { name: 'x', datatype, shape, raw: Buffer.alloc(0) },
  ];

  it.each([
    [
      'elements',
      'UINT8',
      [2 ** 32, 2 ** 32],
      `input 'x' of model 'echo_UINT8': shape [4294967296,4294967296] causes total element count to exceed maximum size of ${MAX}`,
    ],
    [
      'elements of no size',
      'BYTES',
      [HUGE, HUGE],
      `input 'x' of model 'echo_BYTES': shape [${MAX},${MAX}] causes total element count to exceed maximum size of ${MAX}`,
    ],
    [
      'bytes',
      'FP64',
      [2 ** 26, 2 ** 26],
      `byte size overflow for input 'x' of model 'echo_FP64': shape [67108864,67108864] with 8 bytes an element exceeds ${MAX}`,
    ],
    [
      'bytes by a factor of 2',
      'FP16',
      [HUGE, 1],
      `byte size overflow for input 'x' of model 'echo_FP16': shape [${MAX},1] with 2 bytes an element exceeds ${MAX}`,
    ],
  ])('A31: of %s', async (_, datatype, shape, message) => {
    for (const tensor of forms(datatype, shape)) {
      // JSON has no 16-bit floats, whatever their number.
      if (wire === 'rest' && datatype === 'FP16' && tensor.data !== undefined) continue;
      if (wire === 'grpc' && datatype === 'FP16' && tensor.data !== undefined) continue;
      const answer = await inferOver[wire](server(), { model: `echo_${datatype}`, inputs: [tensor] });
      expect(answer).toMatchObject({ status: REFUSED[wire], message });
    }
  });

  it.each([
    ['cube_FP64', [0, HUGE, HUGE]],
    ['cube_FP64', [HUGE, HUGE, 0]],
    ['cube_BYTES', [HUGE, 0, HUGE]],
    ['echo_UINT8', [0, HUGE]],
  ])('A31: 0 x huge is nothing: %s %j', async (model, shape) => {
    const datatype = model.split('_')[1] ?? '';
    const started = performance.now();
    const inputs = [{ name: 'x', datatype, shape, raw: Buffer.alloc(0) }];
    expect(onlyOutput(await inferOver[wire](server(), { model, inputs, binary: true }))).toEqual({
      name: 'y',
      datatype,
      shape,
      raw: Buffer.alloc(0),
    });
    const full = [{ name: 'x', datatype, shape, raw: Buffer.alloc(8) }];
    expect(await inferOver[wire](server(), { model, inputs: full })).toMatchObject({ status: REFUSED[wire] });
    expect(performance.now() - started).toBeLessThan(3_000);
  });

  it('A31: 0 x more than can be counted is refused', async () => {
    const inputs = [{ name: 'x', datatype: 'FP32', shape: [0, 2n ** 63n - 1n], raw: Buffer.alloc(0) }];
    expect(await inferOver[wire](server(), { model: 'echo_FP32', inputs })).toMatchObject({
      status: REFUSED[wire],
      message: expect.stringMatching(/'x'.* exceed.* 9007199254740991$/) as unknown,
    });
  });

  it.each([
    ['an element of 4 GiB', Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4]), [1, 1]],
    ['elements that reach over the end', Buffer.from([1, 0, 0, 0, 7, 0xff, 0xff, 0xff, 0x7f]), [1, 2]],
    ['a million elements without bytes', Buffer.alloc(0), [1_000, 1_000]],
  ])('A31: %s', async (_, raw, shape) => {
    const inputs = [{ name: 'x', datatype: 'BYTES', shape, raw }];
    expect(await inferOver[wire](server(), { model: 'echo_BYTES', inputs })).toMatchObject({
      status: REFUSED[wire],
      message: expect.stringMatching(/'x'/) as unknown,
    });
  });
});

describe('A32: many legal inputs', () => {
  const inputsOf = (bytes: number): SentTensor[] =>
    MANY.map((name) => ({ name, datatype: 'UINT8', shape: [bytes], raw: Buffer.alloc(bytes) }));
  const jsonOf = (values: number): string => {
    const data = `[${'7,'.repeat(values - 1)}7]`;
    return `{"inputs":[${MANY.map((name) => `{"name":"${name}","datatype":"UINT8","shape":[${values}],"data":${data}}`).join()}]}`;
  };
  const below = Math.floor(LIMIT / 20);
  const above = Math.floor(LIMIT / 15);
  const TOO_LARGE =
    /^request JSON size of \d+ bytes exceeds the maximum allowed input size of 4194304 bytes\. Use MAX_MESSAGE_BYTES to increase the limit\.$/;

  it.each([
    [
      'grpc',
      'RESOURCE_EXHAUSTED',
      /^Received message larger than max \(\d+ vs 4194304\): send less, or raise MAX_MESSAGE_BYTES$/,
    ],
    ['rest', 400, TOO_LARGE],
  ] as const)('A32: that are too much together, %s', async (wire, status, message) => {
    expect(await inferOver[wire](server(), { model: 'many', inputs: inputsOf(below), binary: true })).toMatchObject({
      status: OK[wire],
    });
    expect(await inferOver[wire](server(), { model: 'many', inputs: inputsOf(above) })).toMatchObject({
      status,
      message: expect.stringMatching(message) as unknown,
    });
  });

  it('A32: that are too much together, as JSON', async () => {
    // A value takes two bytes with its comma.
    expect(await post(inferPath('many'), jsonOf(Math.floor(below / 2)))(server())).toMatchObject({ status: 200 });
    expect(await post(inferPath('many'), jsonOf(Math.floor(above / 2)))(server())).toMatchObject({
      status: 400,
      message: expect.stringMatching(TOO_LARGE) as unknown,
    });
  });

  it.each([
    ['each all of the bytes behind the JSON', 64],
    ['each more than there can be', 2 ** 53 - 1],
  ])('A32: that claim %s', async (_, size) => {
    const inputs = MANY.map((name) => {
      return { name, datatype: 'UINT8', shape: [64], parameters: { binary_data_size: size } };
    });
    const json = JSON.stringify({ inputs });
    const body = Buffer.concat([Buffer.from(json), Buffer.alloc(64)]);
    const headers = { 'inference-header-content-length': String(json.length) };
    const [culprit, missing] = size === 64 ? ['x1', 64] : ['x0', 2 ** 53 - 65];
    expect(await post(inferPath('many'), body, headers)(server())).toMatchObject({
      status: 400,
      message: `unexpected size for input '${culprit}', expecting ${missing} additional bytes for model 'many'`,
    });
  });
});

describe('A35: messages that are promised', () => {
  const prefix = (length: number): Buffer => {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(length, 1);
    return head;
  };

  it.each([INFER, STREAM, '/inference.GRPCInferenceService/RepositoryIndex', '/grpc.health.v1.Health/Watch'])(
    'A35: of 4 GiB are refused by their prefix, %s',
    async (path) => {
      expect(await callFramed(server(), path, Buffer.concat([prefix(0xffff_ffff), Buffer.alloc(3)]))).toMatchObject({
        status: 'RESOURCE_EXHAUSTED',
        details: `Received message larger than max (4294967295 vs ${LIMIT}): send less, or raise MAX_MESSAGE_BYTES`,
      });
    },
  );

  it('A35: a thousand at a time take no more memory than has come of them', async () => {
    const before = await retainedBytes();
    const session = openSession(server());
    const streams = Array.from({ length: 1_000 }, () => openStream(session, INFER));
    for (const stream of streams) stream.write(Buffer.concat([prefix(LIMIT), Buffer.alloc(1_000)]));
    await new Promise<void>((resolve) => void session.ping(() => resolve()));
    // Who sends no message takes nobody's place.
    expect(server().get(InferenceLimits).inFlight).toBe(0);
    // Some KB for a stream, on both sides of it.
    expect((await retainedBytes()) - before).toBeLessThan(1_000 * 32_768);
    await expectService(server());
    const ended = Promise.all(streams.map(outcomeOf));
    session.destroy();
    await ended;
    await expectService(server());
    expect((await retainedBytes()) - before).toBeLessThan(4 * MB);
  });

  it('A35: end with the longest time that a call may take, and give back their place', async () => {
    const environment = { REQUEST_TIMEOUT_MS: '200', MAX_IN_FLIGHT: '4' };
    await using strict = await serve([Probe], { environment });
    const session = openSession(strict);
    const streams = Array.from({ length: 4 }, () => openStream(session, INFER));
    const outcomes = streams.map(outcomeOf);
    for (const stream of streams) stream.write(prefix(1_000));
    // As long as none of them has ended, nobody else gets a place.
    const ended = await Promise.race([Promise.all(outcomes), patience(3_000)]);
    session.destroy();
    expect(ended).toEqual(streams.map(() => expect.objectContaining({ status: 'DEADLINE_EXCEEDED' }) as unknown));
    await expectService(strict);
  });
});

/** How long a test waits for what should have happened long before. */
const patience = (milliseconds: number): Promise<'nothing came'> =>
  new Promise((resolve) => void setTimeout(resolve, milliseconds, 'nothing came'));

describe('A36: bombs', () => {
  const zeroed = Buffer.alloc(atScale(1_024, 32) * MB);
  const bombs: readonly (readonly [string, Buffer])[] = [
    ['gzip', gzipSync(zeroed)],
    ['deflate', deflateSync(zeroed)],
    ['gzip', Buffer.concat(Array.from({ length: 16 }, () => gzipSync(Buffer.alloc(MB))))],
  ];
  const refusal = {
    status: 'RESOURCE_EXHAUSTED',
    details: `Received message that decompresses to a size larger than ${LIMIT}`,
  };

  it.each(bombs.flatMap(([coding, bomb]) => [INFER, STREAM].map((path) => [coding, path, bomb] as const)))(
    'A36: of %s on %s leave no memory behind',
    async (coding, path, bomb) => {
      for (let round = 0; round < atScale(20, 4); round++) {
        expect(await callFramed(server(), path, grpcFrame(bomb, 1), { 'grpc-encoding': coding })).toMatchObject(
          refusal,
        );
      }
    },
  );

  it('A36: many at a time are each given up at the limit', async () => {
    const [[, bomb] = ['', Buffer.alloc(0)]] = bombs;
    const before = await retainedBytes();
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, () => callFramed(server(), INFER, grpcFrame(bomb, 1), { 'grpc-encoding': 'gzip' })),
    );
    for (const outcome of outcomes) expect(outcome).toMatchObject(refusal);
    expect((await retainedBytes()) - before).toBeLessThan(4 * MB);
  });

  it('A36: within a bomb are not opened', async () => {
    const [[, bomb] = ['', Buffer.alloc(0)]] = bombs;
    const headers = { 'grpc-encoding': 'gzip, gzip' };
    expect(await callFramed(server(), INFER, grpcFrame(gzipSync(bomb), 1), headers)).toMatchObject({
      status: 'UNIMPLEMENTED',
      details: 'Received message compressed with unsupported encoding "gzip, gzip"',
    });
    expect(await callFramed(server(), INFER, grpcFrame(gzipSync(bomb), 1), { 'grpc-encoding': 'gzip' })).toMatchObject({
      status: 'INTERNAL',
      details: 'Error deserializing request',
    });
  });
});

const large = { environment: { MAX_MESSAGE_BYTES: String(12 * MB) } };

/** The names in an inference, as many as a test likes. */
interface Names {
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly parameters?: readonly string[];
}

function messageWith({ inputs = ['x'], outputs = [], parameters = [] }: Names): Buffer {
  const rest = Buffer.concat([field(2, 'UINT8'), Buffer.from([0x18, 1]), field(5, field(4, Buffer.from([7])))]);
  const yes = field(2, Buffer.from([8, 1]));
  return Buffer.concat([
    field(1, 'size'),
    ...parameters.map((name) => field(4, field(1, name), yes)),
    ...inputs.map((name) => field(5, field(1, name), rest)),
    ...outputs.map((name) => field(6, field(1, name))),
  ]);
}

function bodyWith({ inputs = ['x'], outputs = [], parameters = [] }: Names): Buffer {
  const tensors = inputs.map((name) => `{"name":"${name}","datatype":"UINT8","shape":[1],"data":[7]}`).join();
  const wanted = outputs.map((name) => `{"name":"${name}"}`).join();
  const named = parameters.map((name) => `"${name}":true`).join();
  return Buffer.from(`{"parameters":{${named}},"inputs":[${tensors}],"outputs":[${wanted}]}`);
}

/** Makes the bytes at once, so that a test's memory is the server's, and gives what sends them. */
const sending = {
  grpc(names: Names) {
    const message = messageWith(names);
    return async (to: TestServer): Promise<unknown> => {
      const { status, details } = await callRaw(to, INFER, [message]);
      return { status, message: status === 'OK' ? '' : details };
    };
  },
  rest(names: Names) {
    const body = bodyWith(names);
    return async (to: TestServer): Promise<unknown> => {
      const { status, message } = await post(inferPath('size'), body)(to);
      return { status, message };
    };
  },
};

describe.each(WIRES)('A37: very many of a kind, %s', (wire) => {
  const server = surviving([Size], large);
  const numbers = Array.from({ length: atScale(100_000, 25_000) }, (_, index) => index);
  const names = (prefix: string): string[] => numbers.map((index) => `${prefix}${index}`);
  const invalid = (message: unknown) => ({ status: REFUSED[wire], message });

  const cases: readonly (readonly [string, Names, unknown])[] = [
    ['the same input', { inputs: numbers.map(() => 'x') }, invalid("input 'x' already exists in request")],
    [
      'inputs of other names',
      { inputs: ['x', ...names('x')] },
      invalid("unexpected inference input 'x0' for model 'size'"),
    ],
    ['the same output', { outputs: numbers.map(() => 'n') }, invalid("output 'n' already exists in request")],
    [
      'outputs of other names',
      { outputs: ['n', ...names('n')] },
      invalid("unexpected inference output 'n0' for model 'size'"),
    ],
    ['parameters, which are free', { parameters: names('p') }, { status: OK[wire], message: '' }],
    [
      'parameters, of which the last is reserved',
      { parameters: [...names('p'), 'triton_last'] },
      invalid(expect.stringMatching(/^parameter 'triton_last': /)),
    ],
  ];

  const sent = cases.map(([name, parts, outcome]) => [name, sending[wire](parts), outcome] as const);

  // Before the memory is looked at.
  afterEach(retainedBytes);

  it.each(sent)('A37: %s', async (_, send, outcome) => {
    const started = performance.now();
    expect(await send(server())).toEqual(outcome);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

describe('A37: a filter of the repository index of 10 MB', () => {
  const server = surviving([], large);
  const long = 'a'.repeat(10 * MB);

  it('A37: grpc', async () => {
    expect(await rpc('RepositoryIndex', { repository_name: long })(server())).toMatchObject({
      status: 'UNIMPLEMENTED',
      message: "'repository_name' specification is not supported",
    });
  });

  it.each([
    ['a value of another kind', `{"ready":"${long}"}`, 400, /^Invalid value for 'ready': expected a boolean/],
    ['a key that nobody knows', `{"${long}":true}`, 200, /^$/],
    ['blanks', `{"ready":${' '.repeat(10 * MB)}true}`, 200, /^$/],
    ['no JSON', `{"ready":tru${long}`, 400, /./],
    ['a long list', `[${'0,'.repeat(MB)}0]`, 400, /./],
  ])('A37: rest, %s', async (_, body, status, message) => {
    const answer = await post('/v2/repository/index', body)(server());
    expect(answer).toMatchObject({ status, message: expect.stringMatching(message) as unknown });
    expect(answer.message.length).toBeLessThan(500);
  });
});

describe('A39: images that explode in the pre-processor', () => {
  const ROOT = join(import.meta.dirname, '../..');
  const environment = { MODEL_REPOSITORY: join(ROOT, 'model-repository'), LOAD_MODELS: 'digits,digit-reader,probe' };
  const elements = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);
  const images = (shape: readonly number[]) => ({
    model: 'digit-reader',
    inputs: [{ name: 'images', datatype: 'FP32', shape, raw: Buffer.alloc(4 * elements(shape)) }],
    binary: true,
  });

  it.each(WIRES)('A39: without a pixel are refused, however many or large, %s', async (wire) => {
    await using reader = await serve([DigitReaderModel, Probe], { environment });
    for (const shape of [
      [2 ** 40, 0, 8],
      [2 ** 40, 8, 0],
      [1, 0, 2 ** 40],
      [2 ** 26, 2 ** 26, 0],
    ]) {
      expect(await inferOver[wire](reader, images(shape))).toMatchObject({
        status: REFUSED[wire],
        message: `input 'images': ${shape[1]} x ${shape[2]} images have no pixels`,
      });
    }
    await expectService(reader);
  });

  it.each(WIRES)('A39: none at all, of any size, are read at once, %s', async (wire) => {
    await using reader = await serve([DigitReaderModel, Probe], { environment });
    for (const shape of [
      [0, 8, 8],
      [0, 2 ** 40, 2 ** 40],
    ]) {
      expect(await inferOver[wire](reader, images(shape))).toMatchObject({ status: OK[wire] });
    }
  });

  it('A39: of absurd sides take a time in proportion to their pixels', async () => {
    await using reader = await serve([DigitReaderModel, Probe], { environment });
    const side = atScale(2 ** 21, 2 ** 17);
    for (const shape of [
      [1, 1, side],
      [1, side, 1],
      [1, 8, side / 8],
    ]) {
      const started = performance.now();
      expect(await inferOver.grpc(reader, images(shape))).toMatchObject({ status: 'OK' });
      expect(performance.now() - started).toBeLessThan(atScale(10_000, 3_000));
    }
    await expectService(reader);
  });

  it('A39: that grow when they are prepared are refused, or read as fast as others of their size', async () => {
    await using reader = await serve([DigitReaderModel, Probe], { environment });
    const before = await retainedBytes();
    const number = atScale(2 ** 18, 2 ** 16);
    const started = performance.now();
    const answer = await inferOver.grpc(reader, images([number, 1, 1]));
    expect(['OK', 'INVALID_ARGUMENT']).toContain(answer.status);
    expect(performance.now() - started).toBeLessThan(1_000);
    expect((await retainedBytes()) - before).toBeLessThan(64 * MB);
    await expectService(reader);
  });
});

describe('A45: the flag of compression', () => {
  const message = zeros(64);
  const packed = gzipSync(message);
  const broken = Buffer.from(packed);
  broken.writeUInt8(broken.readUInt8(broken.length - 5) ^ 0xff, broken.length - 5);
  const paths = [
    INFER,
    STREAM,
    '/inference.GRPCInferenceService/ServerLive',
    '/grpc.health.v1.Health/Watch',
    '/inference.model_repository.ModelRepositoryService/RepositoryIndex',
  ];

  const garbage: readonly (readonly [string, string, Buffer])[] = [
    ['bytes that are no gzip', 'gzip', Buffer.from('no gzip at all')],
    ['the start of gzip alone', 'gzip', packed.subarray(0, 2)],
    ['gzip without its end', 'gzip', packed.subarray(0, -4)],
    ['gzip with a wrong checksum', 'gzip', broken],
    ['a bare stream', 'gzip', deflateRawSync(message)],
    ['deflate for gzip', 'gzip', deflateSync(message)],
    ['gzip for deflate', 'deflate', packed],
    ['bytes that are no deflate', 'deflate', Buffer.alloc(1_000, 0xff)],
  ];

  it.each(garbage)('A45: %s', async (_, coding, body) => {
    for (const path of paths) {
      expect(await callFramed(server(), path, grpcFrame(body, 1), { 'grpc-encoding': coding })).toMatchObject({
        status: 'INTERNAL',
        details: 'Failed to decompress message',
        reset: 0,
      });
    }
  });

  it.each(['br', 'zstd', '__proto__', 'constructor', 'gzip,deflate'])(
    'A45: with an encoding that nobody knows, %s',
    async (coding) => {
      for (const path of [INFER, STREAM]) {
        expect(await callFramed(server(), path, grpcFrame(packed, 1), { 'grpc-encoding': coding })).toMatchObject({
          status: 'UNIMPLEMENTED',
          details: `Received message compressed with unsupported encoding "${coding}"`,
        });
      }
    },
  );

  it.each([1, 2, 127, 255])('A45: of %i without an encoding, and garbage', async (flag) => {
    for (const path of [INFER, STREAM]) {
      expect(await callFramed(server(), path, grpcFrame(Buffer.alloc(100, 0xff), flag))).toMatchObject({
        status: 'INTERNAL',
        details: 'Error deserializing request',
      });
    }
  });

  it('A45: garbage behind a good message ends the stream, and what came before it is answered', async () => {
    const session = openSession(server());
    const stream = openStream(session, STREAM, { 'grpc-encoding': 'gzip' });
    const outcome = outcomeOf(stream);
    const reply = new Promise((resolve) => void stream.once('data', resolve));
    stream.write(grpcFrame(packed, 1));
    await reply;
    stream.end(grpcFrame(Buffer.from('garbage'), 1));
    expect(await outcome).toMatchObject({ status: 'INTERNAL', details: 'Failed to decompress message' });
    session.destroy();
  });

  it('A45: five hundred such calls at a time on one connection', async () => {
    const session = openSession(server());
    const outcomes = Array.from({ length: 500 }, (_, index) => {
      const stream = openStream(session, index % 2 === 0 ? INFER : STREAM, { 'grpc-encoding': 'gzip' });
      const outcome = outcomeOf(stream);
      stream.end(grpcFrame(Buffer.from(`garbage ${index}`), 1));
      return outcome;
    });
    for (const { status } of await Promise.all(outcomes)) expect(status).toBe('INTERNAL');
    session.destroy();
  });
});

describe('A46: messages that nest, and fields that return', () => {
  const DEPTH = 100_000;
  // Field 20, which no message has.
  const opened = Buffer.alloc(2 * DEPTH, Buffer.from([0xa3, 1]));
  const groups = Buffer.concat([opened, Buffer.alloc(2 * DEPTH, Buffer.from([0xa4, 1]))]);

  const places: readonly (readonly [string, (inner: Buffer) => Buffer])[] = [
    ['the request', (inner) => inner],
    ['an input', (inner) => field(5, inner)],
    ['contents', (inner) => field(5, field(5, inner))],
    ['an output', (inner) => field(6, inner)],
    ['a parameter', (inner) => field(4, inner)],
    ['the value of a parameter', (inner) => field(4, field(1, 'p'), field(2, inner))],
    ['a parameter of an input', (inner) => field(5, field(4, field(2, inner)))],
  ];

  it.each(places)('A46: 100 000 groups in %s', async (_, place) => {
    for (const [path, inner] of [
      [INFER, groups],
      [INFER, opened],
      [STREAM, groups],
    ] as const) {
      const started = performance.now();
      expect(await callRaw(server(), path, [place(inner)])).toMatchObject({
        status: 'INTERNAL',
        details: 'Error deserializing request',
        replies: [],
      });
      expect(performance.now() - started).toBeLessThan(3_000);
    }
  });

  it.each([
    '/inference.GRPCInferenceService/ServerLive',
    '/inference.GRPCInferenceService/ModelReady',
    '/inference.GRPCInferenceService/RepositoryModelLoad',
    '/inference.GrpcInferenceService/ModelMetadata',
    '/grpc.health.v1.Health/Check',
    '/grpc.health.v1.Health/Watch',
  ])('A46: 100 000 groups in %s', async (path) => {
    for (const inner of [groups, opened]) {
      expect(await callRaw(server(), path, [inner])).toMatchObject({
        status: 'INTERNAL',
        details: 'Error deserializing request',
      });
    }
  });

  it('A46: messages in messages that nobody knows are stepped over', async () => {
    // Built from the inside out, each level one byte or more longer.
    const levels: Buffer[] = [];
    let length = 0;
    for (let level = 0; level < atScale(DEPTH, 20_000); level++) {
      const head = Buffer.concat([varint(20 * 8 + 2), varint(length)]);
      levels.push(head);
      length += head.length;
    }
    const nested = Buffer.concat(levels.toReversed());
    for (const [, place] of places) {
      const { status } = await callRaw(server(), INFER, [Buffer.concat([field(1, 'size'), place(nested)])]);
      expect(status).toBe('INVALID_ARGUMENT');
    }
  });

  const named = field(1, 'size');
  const header = [field(1, 'x'), field(2, 'UINT8'), Buffer.from([0x18, 1])];
  const contents = field(5, Buffer.from([0x20, 7]));
  const REPEATS = atScale(200_000, 50_000);
  const repeated = (bytes: Buffer): Buffer => Buffer.alloc(bytes.length * REPEATS, bytes);

  it.each<[string, Buffer, string]>([
    ['contents of an input', Buffer.concat([named, field(5, ...header, repeated(contents))]), 'OK'],
    ['the name of the model', Buffer.concat([repeated(named), field(5, ...header, contents)]), 'OK'],
    [
      'the value of a parameter',
      Buffer.concat([
        named,
        field(4, field(1, 'p'), repeated(field(2, Buffer.from([8, 1])))),
        field(5, ...header, contents),
      ]),
      'OK',
    ],
    [
      'a parameter of one name',
      Buffer.concat([
        named,
        repeated(field(4, field(1, 'p'), field(2, Buffer.from([8, 1])))),
        field(5, ...header, contents),
      ]),
      'OK',
    ],
    [
      'packed values, one by one',
      Buffer.concat([named, field(5, ...header, field(5, repeated(field(4, Buffer.from([7])))))]),
      'INVALID_ARGUMENT',
    ],
    ['an input of nothing', Buffer.concat([named, repeated(field(5))]), 'INVALID_ARGUMENT'],
    [
      'an output of nothing',
      Buffer.concat([named, field(5, ...header, contents), repeated(field(6))]),
      'INVALID_ARGUMENT',
    ],
    ['raw contents of nothing', Buffer.concat([named, repeated(field(7))]), 'INVALID_ARGUMENT'],
    [
      'a dimension',
      Buffer.concat([named, field(5, ...header, repeated(Buffer.from([0x18, 1])), contents)]),
      'INVALID_ARGUMENT',
    ],
  ])('A46: %s, again and again', async (_, message, status) => {
    const started = performance.now();
    const answer = await callRaw(server(), INFER, [message]);
    expect(answer).toMatchObject({ status });
    expect(Buffer.byteLength(answer.details)).toBeLessThan(1_100);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

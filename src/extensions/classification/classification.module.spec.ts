import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bf16, bool, bytes, fp16, fp32, fp64, type Inputs, int32, int64, Model, signature, uint8 } from '#core';
import { defineModel, serve, type TestServer } from '#testing';
import { captureLog } from '../../../test/support/captured-log.js';
import { FixtureRepository } from '../../../test/support/fixture-repository.js';
import {
  type AnsweredTensor,
  infer,
  inferPath,
  post,
  rpc,
  type SentTensor,
  toBody,
  toMessage,
  WIRES,
} from '../../../test/support/wires.js';
import { decodeRaw } from '../../core/tensor/raw.js';

captureLog();

const scores = signature({ inputs: { x: fp32(-1, -1) }, outputs: { y: fp32(-1, -1), rows: int32(-1) } });
let runs = 0;
const answer = ({ x }: Inputs<typeof scores>) => {
  runs++;
  const [rows = 0] = x.shape;
  return { y: x, rows: int32.of([rows], new Int32Array(rows)) };
};

const others = signature({
  inputs: { x: fp32(-1) },
  outputs: {
    texts: bytes(1),
    flags: bool(1),
    halves: fp16(1),
    brains: bf16(1),
    large: uint8(-1),
    integers: int64(3),
    doubles: fp64(2),
  },
});

const values = signature({ inputs: { x: int32(-1) }, outputs: { y: int32(-1) } });

/** One response for each value: that value, and 0. */
@Model('repeat', values)
class RepeatModel {
  *stream({ x }: Inputs<typeof values>) {
    for (const value of x.data) yield { y: int32.of([2], [0, value]) };
  }
}

const MODELS = [
  defineModel('plain', scores, answer),
  defineModel('batched', scores, answer, {}, { batching: { maxSize: 8 } }),
  defineModel('cached', scores, answer, {}, { cache: true }),
  defineModel('others', others, () => {
    runs++;
    return {
      texts: bytes.of([1], ['a']),
      flags: bool.of([1], [1]),
      halves: fp16.of([1], [1]),
      brains: bf16.of([1], [1]),
      large: uint8.of([1_000_001], new Uint8Array(1_000_001)),
      integers: int64.of([3], [2n ** 63n - 1n, -(2n ** 63n), 2n ** 63n - 2n]),
      doubles: fp64.of([2], [1e22, -0.5]),
    };
  }),
  RepeatModel,
];

const LABELLED = `
  platform: "onnxruntime_onnx"
  max_batch_size: 2
  output { name: "OUTPUT0" data_type: TYPE_FP32 dims: 4 label_filename: "words.txt" }
  output { name: "OUTPUT1" data_type: TYPE_FP32 dims: 4 }`;

let repository: FixtureRepository;
let server: TestServer;

beforeAll(async () => {
  repository = await FixtureRepository.of([]);
  await repository.put('rows', 'labelled/1/model.onnx');
  await repository.write('labelled/config.pbtxt', LABELLED);
  await repository.write('labelled/words.txt', 'naïve\n\nthree words here\n');
  const environment = { MODEL_REPOSITORY: repository.path, RESPONSE_CACHE_BYTES: '1000000' };
  server = await serve(MODELS, { environment });
});

afterAll(async () => {
  await server.close();
  await repository[Symbol.asyncDispose]();
});

beforeEach(() => {
  runs = 0;
});

/** By output: the parameter `classification`, or none. */
type Wishes = Readonly<Record<string, unknown>>;

const INTEGER = (value: unknown): object => {
  if (typeof value === 'string') return { string_param: value };
  if (typeof value === 'boolean') return { bool_param: value };
  return Number.isInteger(value) ? { int64_param: value } : { double_param: value };
};

/** An inference whose outputs have parameters, over each wire; `rest` with more of them. */
function classify(model: string, inputs: readonly SentTensor[], wishes: Wishes, more: object = {}) {
  const message = toMessage({ model, inputs });
  const { body } = toBody({ model, inputs });
  const outputs = Object.entries(wishes);
  return {
    grpc: rpc('ModelInfer', {
      ...message,
      outputs: outputs.map(([name, count]) => ({
        name,
        parameters: count === undefined ? {} : { classification: INTEGER(count) },
      })),
    }),
    rest: post(inferPath(model), {
      ...(body as object),
      outputs: outputs.map(([name, count]) => ({
        name,
        parameters: count === undefined ? more : { classification: count, ...more },
      })),
    }),
  };
}

const matrix = (...rows: readonly number[][]): SentTensor => ({
  name: 'x',
  datatype: 'FP32',
  shape: [rows.length, rows[0]?.length ?? 0],
  data: rows.flat(),
});

/** The shape and the texts of an output that was classified. */
function texts(output: AnsweredTensor | undefined) {
  if (output === undefined) throw new Error('there is no such output');
  const { name, datatype, shape, data, raw = Buffer.alloc(0) } = output;
  expect(datatype).toBe('BYTES');
  const elements = data ?? decodeRaw('BYTES', shape, raw, { input: name, model: 'the reply' }).data;
  return [shape, Array.from(elements as readonly unknown[], String)];
}

describe.each(WIRES)('over %s', (wire) => {
  const sent = async (...parts: Parameters<typeof classify>) => {
    const reply = await classify(...parts)[wire](server);
    expect([reply.status, reply.message]).toEqual([wire === 'grpc' ? 'OK' : 200, '']);
    return reply;
  };

  it('gives the largest values of each row of a model with a batch dimension', async () => {
    const { outputs } = await sent('batched', [matrix([0.1, 3.3, -1, 2], [5, 4, 3, 6])], { y: 2 });
    expect(outputs.map(({ name }) => name)).toEqual(['y']);
    expect(texts(outputs[0])).toEqual([
      [2, 2],
      ['3.300000:1', '2.000000:3', '6.000000:3', '5.000000:0'],
    ]);
  });

  it('gives the largest of all values where there is no batch dimension', async () => {
    const { outputs } = await sent('plain', [matrix([1, 2], [4, 3])], { y: 3 });
    expect(texts(outputs[0])).toEqual([[3], ['4.000000:2', '3.000000:3', '2.000000:1']]);
  });

  it('gives as many as there are', async () => {
    expect(texts((await sent('batched', [matrix([1, 2])], { y: 1_000 })).outputs[0])).toEqual([
      [1, 2],
      ['2.000000:1', '1.000000:0'],
    ]);
    const ones = Array.from({ length: 8 }, () => 1);
    const [shape, equal] = texts((await sent('batched', [matrix(ones)], { y: 5 })).outputs[0]);
    expect(shape).toEqual([1, 5]);
    expect(equal).toEqual(expect.arrayContaining([expect.stringMatching(/^1\.000000:[0-7]$/)]));
  });

  it('leaves the other outputs as they are', async () => {
    const { outputs } = await sent('plain', [matrix([1, 2])], { rows: undefined, y: 1 });
    expect(outputs.map(({ name, datatype }) => `${name} ${datatype}`)).toEqual(['y BYTES', 'rows INT32']);
    const { outputs: both } = await sent('plain', [matrix([1, 2])], { rows: 1, y: 1 });
    expect(both.map((output) => texts(output)[1])).toEqual([['2.000000:1'], ['0:0']]);
  });

  it('writes integers with all of their digits, and doubles without exponents', async () => {
    const { outputs } = await sent('others', [{ name: 'x', datatype: 'FP32', shape: [0], data: [] }], {
      integers: 3,
      doubles: 2,
    });
    expect(outputs.map((output) => texts(output)[1])).toEqual([
      ['9223372036854775807:0', '9223372036854775806:2', '-9223372036854775808:1'],
      ['10000000000000000000000.000000:0', '-0.500000:1'],
    ]);
  });

  it('names the classes that have a label', async () => {
    const input = { ...matrix([1, 2, 4, 3]), name: 'INPUT0' };
    const plain = await infer({ model: 'labelled', inputs: [input], outputs: ['OUTPUT0'] })[wire](server);
    const [output] = plain.outputs;
    const given = output?.data ?? Array.from({ length: 4 }, (_, index) => output?.raw?.readFloatLE(index * 4));
    const labels = [':naïve', '', ':three words here', ''];
    const expected = given
      .map((value, index) => [Number(value), index] as const)
      .sort(([one], [other]) => other - one)
      .map(([value, index]) => `${value.toFixed(6)}:${index}${labels[index]}`);
    expect(texts((await sent('labelled', [input], { OUTPUT0: 4 })).outputs[0])).toEqual([[1, 4], expected]);
    const unlabelled = await sent('labelled', [input], { OUTPUT1: 4 });
    expect(texts(unlabelled.outputs[0])[1]).toEqual(
      expect.arrayContaining([expect.stringMatching(/^-?\d+\.\d{6}:\d$/)]),
    );
  });

  it('takes a response that is kept, classified or not', async () => {
    const input = matrix([1, wire === 'grpc' ? 7 : 8]);
    await sent('cached', [input], { y: undefined });
    expect(texts((await sent('cached', [input], { y: 1 })).outputs[0])[1]).toHaveLength(1);
    expect(texts((await sent('cached', [input], { y: 2 })).outputs[0])[1]).toHaveLength(2);
    expect(runs).toBe(1);
  });

  it.each([
    ['texts', 1, "class result not available for output due to unsupported type 'BYTES'"],
    ['flags', 1, "class result not available for output due to unsupported type 'BOOL'"],
    ['halves', 1, "class result not available for output due to unsupported type 'FP16'"],
    ['brains', 1, "class result not available for output due to unsupported type 'BF16'"],
    ['doubles', 0, "invalid value for 'classification' parameter for output 'doubles', expected value > 0, got 0"],
    ['doubles', -3, "invalid value for 'classification' parameter for output 'doubles', expected value > 0, got -3"],
    ['doubles', '2', "invalid value type for 'classification' parameter for output 'doubles', expected int64_param."],
    ['doubles', true, "invalid value type for 'classification' parameter for output 'doubles', expected int64_param."],
    ['doubles', 1.5, "invalid value type for 'classification' parameter for output 'doubles', expected int64_param."],
    ['nope', 1, "unexpected inference output 'nope' for model 'others'"],
  ])('refuses %s with %s, before the model runs', async (output, count, message) => {
    const input = { name: 'x', datatype: 'FP32', shape: [0], data: [] };
    const reply = await classify('others', [input], { [output]: count })[wire](server);
    expect(reply.status).toBe({ grpc: 'INVALID_ARGUMENT', rest: 400 }[wire]);
    expect(reply.message).toContain(message);
    expect(runs).toBe(0);
  });

  it('refuses an output that is too large', async () => {
    const input = { name: 'x', datatype: 'FP32', shape: [0], data: [] };
    const reply = await classify('others', [input], { large: 1 })[wire](server);
    expect(reply.status).toBe({ grpc: 'INVALID_ARGUMENT', rest: 400 }[wire]);
    expect(reply.message).toContain('classification output tensor too large');
  });
});

it('comes as binary data over REST where that is asked for', async () => {
  const { outputs } = await classify('batched', [matrix([1, 2])], { y: 1 }, { binary_data: true }).rest(server);
  expect(outputs[0]?.raw?.toString('latin1')).toBe('\x0a\x00\x00\x002.000000:1');
  expect(texts(outputs[0])).toEqual([[1, 1], ['2.000000:1']]);
});

it('is made of every response of a decoupled model', async () => {
  const call = server.grpc.duplex('ModelStreamInfer');
  const replies: Buffer[] = [];
  call.on('data', ({ infer_response }: { infer_response: { raw_output_contents: readonly Buffer[] } }) =>
    replies.push(...infer_response.raw_output_contents),
  );
  const ended = new Promise<void>((resolve, reject) => call.on('end', resolve).on('error', reject));
  call.write({
    ...toMessage({ model: 'repeat', inputs: [{ name: 'x', datatype: 'INT32', shape: [2], data: [7, -7] }] }),
    outputs: [{ name: 'y', parameters: { classification: { int64_param: 1 } } }],
  });
  call.end();
  await ended;
  expect(replies.map((bytes) => bytes.subarray(4).toString())).toEqual(['7:1', '0:0']);
});

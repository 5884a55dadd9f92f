import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytes, fp32, int64, type Tensor } from '../../src/core/index.js';
import { decodeRaw, encodeRaw } from '../../src/core/tensor/raw.js';
import { serve, type TestServer } from '../../src/testing/index.js';
import { DigitReaderModel } from '../../src/models/digit-reader/digit-reader.model.js';

/** The data that training never saw, with the true classes and what the Python model predicted. */
interface HoldOut {
  readonly shape: readonly number[];
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly pred: readonly number[];
}

const root = join(import.meta.dirname, '../..');
const holdOut = (name: string): HoldOut =>
  JSON.parse(readFileSync(join(root, `test/fixtures/${name}.holdout.json`), 'utf8')) as HoldOut;

let server: TestServer;

beforeAll(async () => {
  const environment = { MODEL_REPOSITORY: join(root, 'model-repository') };
  server = await serve(DigitReaderModel, { environment });
});

afterAll(() => server.close());

type Ask = (model: string, input: string, tensor: Tensor<'FP32'>) => Promise<readonly number[]>;

const raw = (tensor: Tensor): Buffer => Buffer.from(encodeRaw(tensor));
const place = { input: 'label', model: 'the reply' };

/** The labels of a batch, asked for in each encoding of each wire. */
const WAYS: Readonly<Record<string, Ask>> = {
  'gRPC, raw': (model, name, tensor) =>
    overGrpc(model, { inputs: [{ name, datatype: 'FP32', shape: tensor.shape }], raw_input_contents: [raw(tensor)] }),
  'gRPC, typed': (model, name, { shape, data }) =>
    overGrpc(model, { inputs: [{ name, datatype: 'FP32', shape, contents: { fp32_contents: Array.from(data) } }] }),
  'REST, JSON': async (model, name, { shape, data }) => {
    const input = { name, datatype: 'FP32', shape, data: Array.from(data) };
    const reply = await server.rest.post(`/v2/models/${model}/infer`, {
      inputs: [input],
      outputs: [{ name: 'label' }],
    });
    return (reply.json as { outputs: { data: unknown[] }[] }).outputs[0]?.data.map(Number) ?? [];
  },
  'REST, binary': async (model, name, tensor) => {
    const data = raw(tensor);
    const header = Buffer.from(
      JSON.stringify({
        inputs: [{ name, datatype: 'FP32', shape: tensor.shape, parameters: { binary_data_size: data.length } }],
        outputs: [{ name: 'label', parameters: { binary_data: true } }],
      }),
    );
    const headers = { 'inference-header-content-length': String(header.length) };
    const reply = await server.rest.post(`/v2/models/${model}/infer`, Buffer.concat([header, data]), headers);
    const length = Number(reply.headers.get('inference-header-content-length'));
    const head = JSON.parse(reply.bytes.toString('utf8', 0, length)) as { outputs: { datatype: 'INT64' | 'BYTES' }[] };
    return labels(head.outputs[0]?.datatype, reply.bytes.subarray(length), tensor.shape[0] ?? 0);
  },
};

interface GrpcInputs {
  readonly inputs: readonly { name: string; datatype: string; shape: readonly number[]; contents?: object }[];
  readonly raw_input_contents?: readonly Buffer[];
}

async function overGrpc(model_name: string, message: GrpcInputs): Promise<number[]> {
  const request = { model_name, ...message, outputs: [{ name: 'label' }] };
  const reply = await server.grpc.call<{ outputs: { datatype: 'INT64' | 'BYTES' }[]; raw_output_contents: Buffer[] }>(
    'ModelInfer',
    request,
  );
  const [contents = Buffer.alloc(0)] = reply.raw_output_contents;
  return labels(reply.outputs[0]?.datatype, contents, message.inputs[0]?.shape[0] ?? 0);
}

function labels(datatype: 'INT64' | 'BYTES' | undefined, contents: Buffer, count: number): number[] {
  if (datatype === undefined) return [];
  const { data } = decodeRaw(datatype, [count], contents, place);
  return Array.from(data as ArrayLike<bigint | Buffer>, (label) => Number(label.toString()));
}

const right = (given: readonly number[], truth: readonly number[]): number =>
  given.filter((label, index) => label === truth[index]).length;

describe.each(Object.entries(WAYS))('%s', (_, ask) => {
  it.each([
    ['iris', 41],
    ['digits', 533],
  ])('%s predicts what Python does, %i right', async (model, expected) => {
    const { shape, x, y, pred } = holdOut(model);
    const given = await ask(model, 'input', fp32.of(shape, x));
    expect(given).toEqual(pred);
    expect(right(given, y)).toBe(expected);
  });

  it.each([1, 3])('digit-reader reads the same digits from images %i times as large', async (factor) => {
    const { x, pred } = holdOut('digits');
    const side = 8 * factor;
    const pixels = Float32Array.from({ length: pred.length * side * side }, (_, index) => {
      const [row, column] = [Math.floor(index / side) % side, index % side];
      const image = Math.floor(index / (side * side));
      const source = image * 64 + Math.floor(row / factor) * 8 + Math.floor(column / factor);
      return ((x[source] ?? 0) * 255) / 16;
    });
    expect(await ask('digit-reader', 'images', fp32.of([pred.length, side, side], pixels))).toEqual(pred);
  });
});

it('the digit reader gives labels as text and the probabilities of ten classes', async () => {
  const outputs = await server.models.infer('digit-reader', { images: fp32.of([1, 8, 8], new Float32Array(64)) });
  expect(outputs['label']?.datatype).toBe(bytes.datatype);
  expect(outputs['probabilities']?.shape).toEqual([1, 10]);
  const digits = await server.models.infer('digits', { input: fp32.of([1, 1, 8, 8], new Float32Array(64)) });
  expect(digits['label']?.datatype).toBe(int64.datatype);
});

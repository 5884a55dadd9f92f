import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serve, type TestServer } from '#testing';
import { FIXTURE_RUNTIMES } from '../fixtures/backends/index.mjs';
import { type AnsweredTensor, inferOver, onlyOutput, type SentTensor, toMessage, WIRES } from '../support/wires.js';

/** The models of test/fixtures/repository compute what the example clients of Triton check. */

let server: TestServer;

beforeAll(async () => {
  const MODEL_REPOSITORY = join(import.meta.dirname, '../fixtures/repository');
  const environment = { MODEL_REPOSITORY, ONNX_EXECUTION: 'inline' };
  server = await serve([], { providers: FIXTURE_RUNTIMES, environment });
});

afterAll(() => server.close());

const tensor = (name: string, datatype: string, shape: readonly number[], data: readonly unknown[]): SentTensor => ({
  name,
  datatype,
  shape,
  data,
});

/** The values of an output; strings as text. */
function valuesOf({ datatype, data, raw = Buffer.alloc(0) }: AnsweredTensor): unknown[] {
  if (data !== undefined) return [...data];
  switch (datatype) {
    case 'INT32':
      return Array.from({ length: raw.length / 4 }, (_, index) => raw.readInt32LE(index * 4));
    case 'INT8':
      return Array.from({ length: raw.length }, (_, index) => raw.readInt8(index));
    case 'FP32':
      return Array.from({ length: raw.length / 4 }, (_, index) => raw.readFloatLE(index * 4));
    default:
      return stringsOf(raw);
  }
}

function stringsOf(raw: Buffer): string[] {
  if (raw.length === 0) return [];
  const end = 4 + raw.readUInt32LE();
  return [raw.toString('utf8', 4, end), ...stringsOf(raw.subarray(end))];
}

const COLUMNS = Array.from({ length: 16 }, (_, index) => index);

describe.each(WIRES)('over %s', (wire) => {
  const infer = inferOver[wire];

  it.each([
    ['simple', 'INT32', Number],
    ['simple_int8', 'INT8', Number],
    ['simple_string', 'BYTES', String],
  ] as readonly [string, string, (value: number) => unknown][])(
    '%s answers with the sum and the difference of two rows',
    async (model, datatype, as) => {
      const rows = [...COLUMNS, ...COLUMNS.map((value) => value * 2)];
      const { outputs, message } = await infer(server, {
        model,
        inputs: [
          tensor('INPUT0', datatype, [2, 16], rows.map(as)),
          tensor(
            'INPUT1',
            datatype,
            [2, 16],
            rows.map((value) => as(value + 3)),
          ),
        ],
      });
      expect(message).toBe('');
      expect(outputs.map(({ name, shape, ...output }) => [name, shape, valuesOf({ name, shape, ...output })])).toEqual([
        ['OUTPUT0', [2, 16], rows.map((value) => as(value + value + 3))],
        ['OUTPUT1', [2, 16], rows.map(() => as(-3))],
      ]);
    },
  );

  it('simple takes 8 rows, and not one more', async () => {
    const rows = (count: number) => {
      const data = Array.from({ length: count * 16 }, () => 1);
      return ['INPUT0', 'INPUT1'].map((name) => tensor(name, 'INT32', [count, 16], data));
    };
    expect((await infer(server, { model: 'simple', inputs: rows(8) })).message).toBe('');
    const { message } = await infer(server, { model: 'simple', inputs: rows(9) });
    expect(message).toContain("inference request batch-size must be <= 8 for 'simple'");
  });

  it.each([
    ['identity_fp32', 'FP32', [1, 3], [0.5, -1, 3e7]],
    ['custom_identity_int32', 'INT32', [2, 2], [1, -2, 2 ** 31 - 1, -(2 ** 31)]],
    ['simple_identity', 'BYTES', [1, 3], ['a\0b', '', 'ü']],
  ] as const)('%s gives back what it gets', async (model, datatype, shape, data) => {
    const answer = await infer(server, { model, inputs: [tensor('INPUT0', datatype, shape, data)] });
    const output = onlyOutput(answer);
    expect([output.name, output.shape, valuesOf(output)]).toEqual(['OUTPUT0', shape, data]);
  });

  it('simple_identity gives back bytes that are no text', async () => {
    const raw = Buffer.from([4, 0, 0, 0, 0, 1, 2, 3, 2, 0, 0, 0, 255, 0]);
    const inputs = [{ name: 'INPUT0', datatype: 'BYTES', shape: [1, 2], raw }];
    expect(onlyOutput(await infer(server, { model: 'simple_identity', inputs, binary: true })).raw).toEqual(raw);
  });

  const run = async (model: string, id: number | string, values: readonly number[]): Promise<unknown[]> => {
    const answers = [];
    for (const [index, value] of values.entries()) {
      const answer = await infer(server, {
        model,
        parameters: { sequence_id: id, sequence_start: index === 0, sequence_end: index === values.length - 1 },
        inputs: [tensor('INPUT', 'INT32', [1, 1], [value])],
      });
      answers.push(...valuesOf(onlyOutput(answer)));
    }
    return answers;
  };

  it('simple_sequence adds 1 to the first of a sequence, whatever its id', async () => {
    expect(await run('simple_sequence', 1_001, [11, 7, 5])).toEqual([12, 7, 5]);
    expect(await run('simple_sequence', '3f1c-SEQ', [0, -9, 3])).toEqual([1, -9, 3]);
  });

  it('simple_dyna_sequence adds the id to the last besides', async () => {
    expect(await run('simple_dyna_sequence', 1_002, [11, 7, 5])).toEqual([12, 7, 1_007]);
    expect(await run('simple_dyna_sequence', 1_003, [4])).toEqual([1_008]);
  });

  it('simple_string_dyna_sequence sums up, and adds the number that the id spells to the last', async () => {
    const both = ['1004', '1005'].map((id) => run('simple_string_dyna_sequence', id, [11, 7, 5]));
    expect(await Promise.all(both)).toEqual([
      [11, 18, 1_027],
      [11, 18, 1_028],
    ]);
  });

  it.each(['repeat_int32', 'square_int32'])('%s is refused where there is one response', async (model) => {
    const inputs = [tensor('IN', 'INT32', [1], [1])];
    if (model === 'repeat_int32') {
      inputs.push(tensor('DELAY', 'UINT32', [1], [0]), tensor('WAIT', 'UINT32', [1], [0]));
    }
    const { message } = await infer(server, { model, inputs });
    expect(message).toContain("ModelInfer RPC doesn't support models with decoupled transaction policy");
  });
});

interface StreamReply {
  readonly error_message?: string;
  readonly infer_response?: { readonly id: string; readonly raw_output_contents?: readonly Buffer[] };
}

/** What a stream answers to each request, by its id: the values of its responses' outputs, or errors. */
async function streamed(requests: readonly object[]): Promise<Record<string, unknown[]>> {
  const stream = server.grpc.duplex('ModelStreamInfer');
  for (const request of requests) stream.write(request);
  stream.end();
  const seen: Record<string, unknown[]> = {};
  for await (const { error_message, infer_response } of stream as AsyncIterable<StreamReply>) {
    const values = infer_response?.raw_output_contents?.map((raw) => raw.readInt32LE());
    (seen[infer_response?.id ?? ''] ??= []).push(error_message || values);
  }
  return seen;
}

describe('decoupled', () => {
  const repeat = (id: string, values: readonly number[], delays: readonly number[], wait = 0) =>
    toMessage({
      model: 'repeat_int32',
      id,
      inputs: [
        tensor('IN', 'INT32', [values.length], values),
        tensor('DELAY', 'UINT32', [delays.length], delays),
        tensor('WAIT', 'UINT32', [1], [wait]),
      ],
    });

  it('repeat_int32 answers with each value and its place, in order', async () => {
    expect(await streamed([repeat('a', [4, -2, 9], [2, 0, 1], 1), repeat('none', [], [])])).toEqual({
      a: [
        [4, 0],
        [-2, 1],
        [9, 2],
      ],
    });
  });

  it('repeat_int32 refuses delays that do not fit the values', async () => {
    expect(await streamed([repeat('odd', [1], [0, 0])])).toEqual({
      odd: [expect.stringContaining('expected IN and DELAY shape to match, got [1] and [2]')],
    });
  });

  it('square_int32 answers with its value, as many times as it says', async () => {
    const square = (id: string, value: number) =>
      toMessage({ model: 'square_int32', id, inputs: [tensor('IN', 'INT32', [1], [value])] });
    expect(await streamed([square('three', 3), square('one', 1), square('zero', 0)])).toEqual({
      three: [[3], [3], [3]],
      one: [[1]],
    });
  });
});

it('are counted by clients: no more and no fewer than they know', async () => {
  const { models } = await server.grpc.call<{ models: { name: string; state: string }[] }>('RepositoryIndex');
  expect(models).toHaveLength(11);
  expect(new Set(models.map(({ state }) => state))).toEqual(new Set(['READY']));
});

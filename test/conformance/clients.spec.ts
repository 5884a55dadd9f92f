import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { TestServer } from '#testing';
import { captureLog } from '../support/captured-log.js';
import { serveAsTriton } from '../support/serve-as-triton.js';
import { HAS_SHM, ShmObject } from '../support/shared-memory.js';
import { answerOfRest, inferPath, rpc, WIRES, type Wire } from '../support/wires.js';
import { Talker, Vector } from './models.js';

/** The calls of clients that no registry has to install, in their order and with their bytes, and what they read. */

let server: TestServer;

captureLog();

beforeAll(async () => {
  server = await serveAsTriton([Talker, Vector]);
});

afterAll(() => server.close());

const ramp = Array.from({ length: 16 }, (_, index) => index);
const int32s = (...values: readonly number[]): Buffer => Buffer.from(Int32Array.from(values).buffer);
const RAMP = int32s(...ramp);
const ONES = int32s(...ramp.map(() => 1));
const SUM = int32s(...ramp.map((value) => value + 1));
const DIFFERENCE = int32s(...ramp.map((value) => value - 1));

/** A body as bytes goes without a content type, as Python's client sends it. */
const bytesOf = (json: unknown): Buffer => (json === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(json)));

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const SIMPLE = ['INPUT0', 'INPUT1'].map((name) => ({ name, datatype: 'INT32', shape: ['1', '16'] }));

interface InferReply {
  readonly id?: string;
  readonly parameters?: Record<string, { readonly bool_param?: boolean }>;
  readonly outputs?: readonly { readonly name: string; readonly contents?: unknown }[];
  readonly raw_output_contents?: readonly Buffer[];
}

interface StreamReply {
  readonly error_message?: string;
  readonly infer_response?: InferReply;
}

/** All that a stream answers to these messages, sent without waiting. */
async function streamed(...messages: readonly object[]): Promise<StreamReply[]> {
  const stream = server.grpc.duplex('ModelStreamInfer');
  for (const message of messages) stream.write(message);
  stream.end();
  const replies: StreamReply[] = [];
  for await (const reply of stream as AsyncIterable<StreamReply>) replies.push(reply);
  return replies;
}

const isFinal = ({ infer_response }: StreamReply): boolean | undefined =>
  infer_response?.parameters?.['triton_final_response']?.bool_param;

const EMPTY_FINAL = { triton_enable_empty_final_response: { bool_param: true } };

describe("Triton's client in C++", () => {
  const octets = { 'content-type': 'application/octet-stream' };

  it('sends an empty id, and the length of the JSON where nothing follows it', async () => {
    const inputs = ['INPUT0', 'INPUT1'].map((name) => ({ name, shape: [1, 16], datatype: 'INT32', data: ramp }));
    const body = bytesOf({ id: '', inputs, outputs: [{ name: 'OUTPUT0', parameters: { binary_data: true } }] });
    const headers = { ...octets, 'inference-header-content-length': String(body.length) };
    const reply = await server.rest.post(inferPath('simple'), body, headers);
    expect(answerOfRest(reply)).toMatchObject({
      status: 200,
      reply: expect.not.objectContaining({ id: expect.anything() as unknown }) as unknown,
      outputs: [{ name: 'OUTPUT0', raw: int32s(...ramp.map((value) => value * 2)) }],
    });
  });

  it('reads the size of each output that has parameters', async () => {
    const inputs = ['INPUT0', 'INPUT1'].map((name) => {
      return { name, shape: [1, 16], datatype: 'INT32', parameters: { binary_data_size: 64 } };
    });
    const json = bytesOf({ id: '1', inputs, parameters: { binary_data_output: true } });
    const headers = { ...octets, 'inference-header-content-length': String(json.length) };
    const reply = await server.rest.post(inferPath('simple'), Buffer.concat([json, RAMP, ONES]), headers);
    const { outputs, reply: head } = answerOfRest(reply);
    expect(outputs.map(({ raw }) => raw)).toEqual([SUM, DIFFERENCE]);
    const parameters = { binary_data_size: 64 };
    expect(head).toMatchObject({ id: '1', outputs: [{ parameters }, { parameters }] });
  });

  it('sends the flag of streams on a single call too', async () => {
    const reply = await server.grpc.call<InferReply>('ModelInfer', {
      model_name: 'simple',
      parameters: EMPTY_FINAL,
      inputs: SIMPLE,
      raw_input_contents: [RAMP, ONES],
    });
    expect(reply.raw_output_contents).toEqual([SUM, DIFFERENCE]);
  });

  it.each([
    ['a form', FORM],
    ['nothing, as that in Python does', {}],
  ])('says of the bodies of control that they are %s', async (_, headers) => {
    const answers = [];
    for (const [path, json] of [
      ['/v2/repository/index', undefined],
      ['/v2/repository/index', { ready: true }],
      ['/v2/repository/models/simple_int8/load', undefined],
      ['/v2/repository/models/simple_int8/load', { parameters: { config: '{"max_batch_size":"16"}' } }],
      ['/v2/repository/models/simple_int8/unload', { parameters: { unload_dependents: false } }],
      ['/v2/repository/models/simple_int8/load', {}],
      ['/v2/systemsharedmemory/unregister', undefined],
      ['/v2/cudasharedmemory/unregister', undefined],
    ] as const) {
      const { status } = await server.rest.post(path, bytesOf(json), headers);
      answers.push(`${status} ${path}`);
    }
    expect(answers.filter((answer) => !answer.startsWith('200 '))).toEqual([]);
  });

  it('keeps three sequences in one stream, message by message, under ids of both kinds', async () => {
    const ids = [{ int64_param: '1' }, { int64_param: '2' }, { string_param: 'SEQ-3' }];
    const values = [11, 7, 5];
    const messages = values.flatMap((value, step) =>
      ids.map((sequence_id, sequence) => ({
        model_name: 'simple_sequence',
        id: `${sequence}_${step}`,
        parameters: {
          ...EMPTY_FINAL,
          sequence_id,
          sequence_start: { bool_param: step === 0 },
          sequence_end: { bool_param: step === values.length - 1 },
        },
        inputs: [{ name: 'INPUT', datatype: 'INT32', shape: ['1', '1'] }],
        raw_input_contents: [int32s(value)],
      })),
    );
    const replies = await streamed(...messages);
    const sums = replies.map(({ infer_response }) => [
      infer_response?.id,
      infer_response?.raw_output_contents?.[0]?.readInt32LE(),
    ]);
    expect(Object.fromEntries(sums)).toEqual(
      Object.fromEntries(values.flatMap((value, step) => ids.map((_, n) => [`${n}_${step}`, value + +(step === 0)]))),
    );
  });
});

describe('a client of model_control', () => {
  it('is told each step, in its words', async () => {
    const load = (config?: string) =>
      rpc('RepositoryModelLoad', {
        model_name: 'simple',
        parameters: config === undefined ? {} : { config: { string_param: config } },
      })(server);
    const ready = async () => (await server.grpc.call<{ ready?: boolean }>('ModelReady', { name: 'simple' })).ready;
    const maxBatchSize = async () =>
      (await server.grpc.call<{ config: { max_batch_size: number } }>('ModelConfig', { name: 'simple' })).config
        .max_batch_size;

    expect((await load()).status).toBe('OK');
    expect(await ready()).toBe(true);
    expect((await load('"parameters": {"config": {{}}}')).message).toContain('failed to load');
    expect((await load('{"max_batch_size":"16"}')).status).toBe('OK');
    expect(await maxBatchSize()).toBe(16);
    const parameters = { unload_dependents: { bool_param: false } };
    expect((await rpc('RepositoryModelUnload', { model_name: 'simple', parameters })(server)).status).toBe('OK');
    // No error, which the client in C++ would take for a failure.
    expect((await ready()) ?? false).toBe(false);
    expect((await server.rest.get('/v2/models/simple/ready')).status).toBe(400);
    expect((await load()).status).toBe('OK');
    expect([await ready(), await maxBatchSize()]).toEqual([true, 8]);
    expect((await rpc('RepositoryModelLoad', { model_name: 'wrong_model_name' })(server)).message).toContain(
      'failed to load',
    );
  });
});

describe("Triton's examples in JavaScript, Java and Go", () => {
  it.each([
    ['typed', { contents: { int_contents: ramp } }, []],
    ['raw', {}, [RAMP, RAMP]],
  ])('ask whether the server is there, and read the raw outputs of a %s request', async (_, data, raw) => {
    expect(await server.grpc.call('ServerLive')).toEqual({ live: true });
    expect(await server.grpc.call('ServerReady')).toEqual({ ready: true });
    expect(await server.grpc.call('ModelMetadata', { name: 'simple', version: '' })).toMatchObject({ name: 'simple' });
    const { outputs = [], raw_output_contents } = await server.grpc.call<InferReply>('ModelInfer', {
      model_name: 'simple',
      model_version: '',
      inputs: SIMPLE.map((input) => ({ ...input, ...data })),
      outputs: [{ name: 'OUTPUT0' }, { name: 'OUTPUT1' }],
      raw_input_contents: raw,
    });
    expect(outputs.map(({ contents }) => contents)).toEqual([undefined, undefined]);
    expect(raw_output_contents).toEqual([int32s(...ramp.map((value) => value * 2)), Buffer.alloc(64)]);
  });
});

describe('perf_analyzer', () => {
  type Statistics = { model_stats: { inference_stats: Record<string, { count?: string | number }> }[] };

  const ask: Record<Wire, (method: string, path: string) => Promise<unknown>> = {
    grpc: (method) => server.grpc.call(method, method.startsWith('Server') ? {} : { name: 'simple', version: '' }),
    rest: async (_, path) => (await server.rest.get(path)).json,
  };
  const rows = (count: number) => Buffer.alloc(count * 64, 1);

  async function inferRows(wire: Wire, id: string): Promise<number> {
    if (wire === 'grpc') {
      const inputs = SIMPLE.map((input) => ({ ...input, shape: ['4', '16'] }));
      const message = { model_name: 'simple', id, inputs, raw_input_contents: [rows(4), rows(4)] };
      const { raw_output_contents = [] } = await server.grpc.call<InferReply>('ModelInfer', message);
      return Buffer.concat([...raw_output_contents]).length;
    }
    const inputs = SIMPLE.map(({ name, datatype }) => {
      return { name, datatype, shape: [4, 16], parameters: { binary_data_size: 256 } };
    });
    const outputs = ['OUTPUT0', 'OUTPUT1'].map((name) => ({ name, parameters: { binary_data: true } }));
    const json = bytesOf({ id, inputs, outputs });
    const headers = { 'inference-header-content-length': String(json.length) };
    const reply = await server.rest.post(inferPath('simple'), Buffer.concat([json, rows(4), rows(4)]), headers);
    return answerOfRest(reply).outputs.reduce((sum, { raw }) => sum + (raw?.length ?? 0), 0);
  }

  it.each(WIRES)('reads the model, then its statistics, which grow with what it sends, over %s', async (wire) => {
    const metadata = (await ask[wire]('ModelMetadata', '/v2/models/simple')) as { inputs: { shape: unknown[] }[] };
    expect(metadata.inputs[0]?.shape.map(Number)).toEqual([-1, 16]);
    const found = (await ask[wire]('ModelConfig', '/v2/models/simple/config')) as { config?: object };
    expect(found.config ?? found).toMatchObject({
      max_batch_size: 8,
      input: [{ dims: wire === 'grpc' ? ['16'] : [16] }, {}],
    });
    expect(((await ask[wire]('ServerMetadata', '/v2')) as { extensions: string[] }).extensions).toContain('statistics');
    const counts = async () => {
      const { model_stats } = (await ask[wire]('ModelStatistics', '/v2/models/simple/stats')) as Statistics;
      expect(model_stats).toHaveLength(1);
      const parts = ['success', 'queue', 'compute_input', 'compute_infer', 'compute_output'];
      return parts.map((part) => Number(model_stats[0]?.inference_stats[part]?.count ?? 0));
    };
    const before = await counts();
    for (const id of ['0', '1', '2']) expect(await inferRows(wire, id)).toBe(512);
    expect(await counts()).toEqual(before.map((count) => count + 3));
  });

  it.skipIf(!HAS_SHM).each(WIRES)(
    'puts each tensor into a region of its own, and reads the outputs there, over %s',
    async (wire) => {
      const tensors = ['INPUT0', 'INPUT1', 'OUTPUT0', 'OUTPUT1'];
      const memory = new Map(tensors.map((name) => [name, new ShmObject(name.startsWith('IN') ? RAMP : 64)]));
      onTestFinished(() => {
        for (const object of memory.values()) object[Symbol.dispose]();
      });
      const shared = (name: string) => ({ region: `${name}_data_0`, key: memory.get(name)?.key });
      await control(wire, 'unregister');
      for (const name of tensors) await control(wire, 'register', shared(name));
      const place = (name: string) =>
        wire === 'grpc'
          ? {
              shared_memory_region: { string_param: shared(name).region },
              shared_memory_byte_size: { int64_param: '64' },
            }
          : { shared_memory_region: shared(name).region, shared_memory_byte_size: 64 };
      const [inputs, outputs] = [
        SIMPLE.map((input) => ({
          ...input,
          shape: wire === 'grpc' ? ['1', '16'] : [1, 16],
          parameters: place(input.name),
        })),
        ['OUTPUT0', 'OUTPUT1'].map((name) => {
          return { name, parameters: { ...place(name), ...(wire === 'rest' && { binary_data: false }) } };
        }),
      ];
      if (wire === 'grpc') await server.grpc.call('ModelInfer', { model_name: 'simple', inputs, outputs });
      else {
        const { json } = await server.rest.post(inferPath('simple'), bytesOf({ inputs, outputs }));
        // An output with parameters would have to have the size of its binary data among them.
        expect((json as { outputs: object[] }).outputs.map(Object.keys)).toEqual(
          Array.from({ length: 2 }, () => ['name', 'datatype', 'shape']),
        );
      }
      expect(memory.get('OUTPUT0')?.bytes).toEqual(int32s(...ramp.map((value) => value * 2)));
      expect(memory.get('OUTPUT1')?.bytes).toEqual(Buffer.alloc(64));
      await control(wire, 'unregister');
    },
  );

  async function control(
    wire: Wire,
    verb: 'register' | 'unregister',
    of?: { region: string; key: string | undefined },
  ) {
    if (wire === 'grpc') {
      const method = verb === 'register' ? 'SystemSharedMemoryRegister' : 'SystemSharedMemoryUnregister';
      await server.grpc.call(method, of === undefined ? {} : { name: of.region, key: of.key, byte_size: '64' });
      return;
    }
    const region = of === undefined ? '' : `/region/${of.region}`;
    const body = of === undefined ? undefined : { key: of.key, offset: 0, byte_size: 64 };
    const path = `/v2/systemsharedmemory${region}/${verb}`;
    expect((await server.rest.post(path, bytesOf(body), FORM)).status).toBe(200);
  }

  it('streams, and takes a response marked as the last for the end of its request', async () => {
    const message = { model_name: 'simple', parameters: EMPTY_FINAL, inputs: SIMPLE, raw_input_contents: [RAMP, ONES] };
    const replies = await streamed({ ...message, id: '0' }, { ...message, id: '1' });
    expect(replies.map((reply) => [reply.infer_response?.id, isFinal(reply)])).toEqual([
      ['0', true],
      ['1', true],
    ]);
  });

  it('streams to a decoupled model, whose last response is empty', async () => {
    const uint32s = (value: number) => Buffer.from(Uint32Array.of(value).buffer);
    const [reply, end, ...others] = await streamed({
      model_name: 'repeat_int32',
      id: '0',
      parameters: EMPTY_FINAL,
      inputs: [
        { name: 'IN', datatype: 'INT32', shape: ['1'] },
        { name: 'DELAY', datatype: 'UINT32', shape: ['1'] },
        { name: 'WAIT', datatype: 'UINT32', shape: ['1'] },
      ],
      raw_input_contents: [int32s(5), uint32s(0), uint32s(0)],
    });
    expect([reply?.infer_response?.raw_output_contents?.[0], isFinal(reply ?? {})]).toEqual([int32s(5), false]);
    expect([end?.infer_response?.id, end?.infer_response?.outputs ?? [], isFinal(end ?? {})]).toEqual(['0', [], true]);
    expect(others).toEqual([]);
  });
});

describe('genai-perf', () => {
  it('asks for a text by generate_stream, and by a stream of gRPC', async () => {
    const { bytes, headers } = await server.rest.post(
      '/v2/models/talker/generate_stream',
      bytesOf({ text_input: ['a prompt'], max_tokens: [16], stream: [true] }),
      { 'content-type': 'application/json' },
    );
    expect(headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(bytes.toString()).toContain('"text_output":"a prompt"');
    const [reply] = await streamed({
      model_name: 'talker',
      parameters: EMPTY_FINAL,
      inputs: [{ name: 'text_input', datatype: 'BYTES', shape: ['1'] }],
      raw_input_contents: [Buffer.concat([int32s(8), Buffer.from('a prompt')])],
    });
    expect(reply?.infer_response?.raw_output_contents?.[0]?.subarray(4).toString()).toBe('a prompt');
  });
});

describe("KServe's SDK", () => {
  it('reads the health of the server as JSON, and sends the name of the model along', async () => {
    expect((await server.rest.get('/v2/health/live')).json).toEqual({ live: true });
    expect((await server.rest.get('/v2/health/ready')).json).toEqual({ ready: true });
    const inputs = [{ name: 'x', shape: [2], datatype: 'FP32', parameters: { binary_data_size: 8 } }];
    const json = bytesOf({ id: 'a', model_name: 'vector', inputs, outputs: [] });
    const reply = await server.rest.post(inferPath('vector'), Buffer.concat([json, Buffer.alloc(8)]), {
      'inference-header-content-length': String(json.length),
    });
    expect(reply.json).toMatchObject({ id: 'a', model_name: 'vector', outputs: [{ data: [0, 0] }] });
  });

  it('sends sizes of binary data over gRPC, where they mean nothing', async () => {
    const parameters = { binary_data_size: { int64_param: '8' } };
    const reply = await server.grpc.call<InferReply>('ModelInfer', {
      model_name: 'vector',
      inputs: [{ name: 'x', datatype: 'FP32', shape: ['2'], parameters }],
      raw_input_contents: [Buffer.alloc(8)],
    });
    expect(reply.raw_output_contents).toEqual([Buffer.alloc(8)]);
  });
});

describe("open-inference's client of OpenAPI", () => {
  it.each([
    ['INT32', 'simple', '[[0.0,1.0,2.0,3.0,4.0,5.0,6.0,7.0,8.0,9.0,10.0,11.0,12.0,13.0,14.0,15.0]]', ramp],
    ['BYTES', 'simple_string', `[[${ramp.map((value) => `${value}.0`).join(',')}]]`, ramp.map(String)],
  ])('makes a fraction of each number, in a tensor of %s', async (datatype, model, data, sum) => {
    const tensors = ['INPUT0', 'INPUT1'].map((name, index) => {
      const zeros = `[[${ramp.map(() => '0.0').join(',')}]]`;
      return `{"name":"${name}","shape":[1,16],"datatype":"${datatype}","data":${index === 0 ? data : zeros}}`;
    });
    const reply = await server.rest.post(inferPath(model), `{"inputs":[${tensors.join(',')}]}`);
    expect(answerOfRest(reply).outputs[0]?.data).toEqual(sum);
  });
});

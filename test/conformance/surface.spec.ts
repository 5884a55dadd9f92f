import { deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestServer } from '#testing';
import { captureLog } from '../support/captured-log.js';
import { serveAsTriton } from '../support/serve-as-triton.js';
import { answerOfRest, get, infer, inferPath, onlyOutput, post, rpc, type Send, WIRES } from '../support/wires.js';
import { Small, Talker, Text, Vector } from './models.js';

/** What the server offers where it has Triton's example models: every rpc and route, and what their bodies may be. */

let server: TestServer;

captureLog();

beforeAll(async () => {
  server = await serveAsTriton([Talker, Text, Vector, Small], { RESPONSE_COMPRESSION_MIN_BYTES: '0' });
});

afterAll(() => server.close());

const ramp = Array.from({ length: 16 }, (_, index) => index);
const input = (name: string) => ({ name, datatype: 'INT32', shape: [1, 16], data: ramp });
const INPUTS = [input('INPUT0'), input('INPUT1')];
const simplePath = inferPath('simple');

const has = (parts: object): unknown => expect.objectContaining(parts);
const lists = (...parts: unknown[]): unknown => expect.arrayContaining(parts);

const METADATA = has({ name: 'simple', versions: ['1'], platform: 'onnxruntime_onnx' });
const CONFIG = has({ name: 'simple', max_batch_size: 8 });
const ANSWERED = has({ model_name: 'simple', model_version: '1' });
const STATISTICS = { model_stats: [has({ name: 'simple', version: '1' })] };
const LIVE = { live: true };
const READY = { ready: true };

describe('rpcs', () => {
  it.each<[method: string, message: object, reply: unknown]>([
    ['ServerLive', {}, LIVE],
    ['ServerReady', {}, READY],
    ['ModelReady', { name: 'simple', version: '1' }, READY],
    ['ServerMetadata', {}, has({ name: 'triton' })],
    ['ModelMetadata', { name: 'simple', version: '1' }, METADATA],
    ['ModelConfig', { name: 'simple', version: '1' }, { config: CONFIG }],
    ['ModelStatistics', { name: 'simple', version: '1' }, STATISTICS],
    ['RepositoryIndex', {}, { models: lists(has({ name: 'simple', version: '1', state: 'READY' })) }],
    ['RepositoryModelLoad', { model_name: 'simple' }, { model_name: 'simple', isLoaded: true }],
    ['RepositoryModelUnload', { model_name: 'nope' }, { model_name: 'nope', isUnloaded: true }],
    ['SystemSharedMemoryStatus', {}, expect.anything()],
    ['SystemSharedMemoryUnregister', {}, {}],
    ['CudaSharedMemoryStatus', {}, expect.anything()],
    ['CudaSharedMemoryUnregister', {}, {}],
    ['LogSettings', {}, { settings: has({ log_verbose_level: has({ uint32_param: 0 }) }) }],
    ['TraceSetting', {}, { settings: has({ trace_level: { value: ['OFF'] } }) }],
  ])('1.2: %s', async (method, message, reply) => {
    expect(await rpc(method, message)(server)).toMatchObject({ status: 'OK', reply });
  });
});

describe('routes', () => {
  it.each<[route: string, reply: unknown, body?: unknown]>([
    ['GET /v2/health/live', LIVE],
    ['GET /v2/health/ready', READY],
    ['GET /v2', has({ name: 'triton' })],
    ['GET /v2/', has({ name: 'triton' })],
    ['GET /v2/models', { models: lists('simple', 'talker') }],
    ['GET /v2/models/simple', METADATA],
    ['GET /v2/models/simple/versions/1', METADATA],
    ['GET /v2/models/simple/ready', { name: 'simple', ready: true }],
    ['GET /v2/models/simple/versions/1/ready', { name: 'simple', ready: true }],
    ['GET /v2/models/simple/config', CONFIG],
    ['GET /v2/models/simple/versions/1/config', CONFIG],
    ['GET /v2/models/stats', { model_stats: lists(has({ name: 'simple' }), has({ name: 'talker' })) }],
    ['GET /v2/models/simple/stats', STATISTICS],
    ['GET /v2/models/simple/versions/1/stats', STATISTICS],
    ['POST /v2/models/simple/infer', ANSWERED, { inputs: INPUTS }],
    ['POST /v2/models/simple/versions/1/infer', ANSWERED, { inputs: INPUTS }],
    ['POST /v2/models/talker/generate', has({ text_output: 'hi' }), { text_input: 'hi' }],
    ['POST /v2/models/talker/versions/1/generate', has({ text_output: 'hi' }), { text_input: 'hi' }],
    ['GET /v2/logging', has({ log_info: false, log_error: true, log_format: 'default' })],
    ['POST /v2/logging', has({ log_verbose_level: 0 }), {}],
    ['GET /v2/trace/setting', has({ trace_level: ['OFF'] })],
    ['POST /v2/trace/setting', has({ trace_level: ['OFF'] }), {}],
    ['GET /v2/models/simple/trace/setting', has({ trace_level: ['OFF'] })],
    ['POST /v2/repository/index', lists(has({ name: 'simple', version: '1', state: 'READY' }))],
    ['POST /v2/repository/models/simple/load', { name: 'simple', load: true }],
    ['POST /v2/repository/models/nope/unload', { name: 'nope', unload: true }],
    ['GET /v2/systemsharedmemory/status', []],
    ['POST /v2/systemsharedmemory/unregister', undefined],
    ['POST /v2/systemsharedmemory/region/nope/unregister', undefined],
    ['GET /v2/cudasharedmemory/status', []],
    ['POST /v2/cudasharedmemory/unregister', undefined],
    ['POST /v2/cudasharedmemory/region/nope/unregister', undefined],
  ])('3.1: %s', async (route, expected, body) => {
    const [method, path = ''] = route.split(' ');
    const { status, json, headers } = await (method === 'GET' ? server.rest.get(path) : server.rest.post(path, body));
    expect([status, json]).toEqual([200, expected]);
    expect(headers.get('content-type') ?? 'application/json').toMatch(/^application\/json/);
  });

  it.each(['generate_stream', 'versions/1/generate_stream', 'infer_stream', 'versions/1/infer_stream'])(
    '3.1: POST /v2/models/talker/%s',
    async (route) => {
      const inputs = [{ name: 'text_input', datatype: 'BYTES', shape: [1], data: ['hi'] }];
      const body = route.endsWith('generate_stream') ? { text_input: 'hi' } : { inputs };
      const { status, headers, bytes } = await server.rest.post(`/v2/models/talker/${route}`, body);
      expect([status, headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
      expect(bytes.toString()).toMatch(/^data: \{"model_name":"talker".*\}\n\n$/);
    },
  );
});

describe('bodies', () => {
  const vector = (fields: string): Send =>
    post(inferPath('vector'), `{"inputs":[{"name":"x","datatype":"FP32",${fields}}]}`);

  it.each([
    ['a bare value of a single element', '"shape":[1],"data":7', [7]],
    ['a nested array', '"shape":[2],"data":[[7],[8]]', [7, 8]],
    ['a tensor without elements', '"shape":[0],"data":[]', []],
  ])('3.2: data may be %s', async (_, fields, data) => {
    expect(onlyOutput(await vector(fields)(server)).data).toEqual(data);
  });

  it.each(WIRES)('3.2: an empty list of outputs asks for all of them, over %s', async (wire) => {
    const send: Send =
      wire === 'grpc'
        ? infer({ model: 'simple', inputs: INPUTS }).grpc
        : post(simplePath, { inputs: INPUTS, outputs: [] });
    expect((await send(server)).outputs.map(({ name }) => name)).toEqual(['OUTPUT0', 'OUTPUT1']);
  });

  it('5.1: the extensions that Triton lists, and those that have no name there', async () => {
    const { json } = await server.rest.get('/v2');
    expect((json as { extensions: string[] }).extensions).toEqual(
      expect.arrayContaining([
        'classification',
        'sequence',
        'model_repository',
        'schedule_policy',
        'model_configuration',
        'system_shared_memory',
        'cuda_shared_memory',
        'binary_tensor_data',
        'statistics',
        'model_repository(unload_dependents)',
        'parameters',
        'trace',
        'logging',
        'sequence(string_id)',
        'generate',
      ]),
    );
  });
});

const RAW = Buffer.from(Int32Array.from(ramp).buffer);

/** A body with a JSON header of these fields, and what follows it. */
function binary(json: object, ...blobs: readonly Buffer[]): { body: Buffer; headers: Record<string, string> } {
  const header = Buffer.from(JSON.stringify(json));
  const length = String(header.length);
  return { body: Buffer.concat([header, ...blobs]), headers: { 'inference-header-content-length': length } };
}

describe('binary data', () => {
  const inBinary = (name: string, size = RAW.length) => {
    return { name, datatype: 'INT32', shape: [1, 16], parameters: { binary_data_size: size } };
  };

  it.each([
    ['behind the JSON, in the order of the inputs', [inBinary('INPUT0'), inBinary('INPUT1')], [RAW, RAW]],
    ['beside data in the JSON', [input('INPUT0'), inBinary('INPUT1')], [RAW]],
    ['of no input at all, with the header', INPUTS, []],
  ])('3.4: %s', async (_, inputs, blobs) => {
    const { body, headers } = binary({ inputs }, ...blobs);
    const { outputs } = answerOfRest(await server.rest.post(simplePath, body, headers));
    expect(outputs.map(({ data }) => data)).toEqual([ramp.map((value) => value * 2), ramp.map(() => 0)]);
  });

  it('3.4: data in both places', async () => {
    const both = { ...input('INPUT0'), parameters: { binary_data_size: RAW.length } };
    const { body, headers } = binary({ inputs: [both, input('INPUT1')] }, RAW);
    const { status, json } = await server.rest.post(simplePath, body, headers);
    expect(status).toBe(400);
    expect((json as { error: string }).error).toMatch(/^Input must set only one of the following fields: /);
  });

  it('3.4: an output without elements stays JSON, where it is the only binary one', async () => {
    const x = { name: 'x', datatype: 'FP32', shape: [0], data: [] };
    const reply = await server.rest.post(inferPath('vector'), {
      inputs: [x],
      parameters: { binary_data_output: true },
    });
    expect(reply.headers.has('inference-header-content-length')).toBe(false);
    expect(reply.json).toMatchObject({ outputs: [{ shape: [0], parameters: { binary_data_size: 0 } }] });
  });

  const rawRequest = (model: string, body: Buffer) =>
    server.rest.post(inferPath(model), body, { 'inference-header-content-length': '0' });

  it.each([
    ['simple', /^Raw request must only have 1 input \(found 1\) to be deduced but got 2 inputs in 'simple' /],
    ['small', /^The shape of the raw input 'x' can not be deduced because there are more than one variable-sized dim/],
  ])('3.4: a raw request of %s', async (model, message) => {
    const { status, json } = await rawRequest(model, RAW);
    expect([status, (json as { error: string }).error]).toEqual([400, expect.stringMatching(message)]);
  });

  it('3.4: a raw request of one text', async () => {
    const { outputs } = answerOfRest(await rawRequest('text', Buffer.from('hi')));
    expect(outputs).toMatchObject([{ raw: Buffer.from([2, 0, 0, 0, 104, 105]) }]);
  });
});

describe('compression', () => {
  const CODINGS = ['none', 'gzip', 'deflate'] as const;
  const pack = { none: (bytes: Buffer) => bytes, gzip: gzipSync, deflate: deflateSync };
  const pairs = CODINGS.flatMap((sent) => CODINGS.flatMap((asked) => (sent === asked ? [] : [[sent, asked] as const])));

  it.each(pairs)('3.5: a request in %s, a reply in %s', async (sent, asked) => {
    const { body, headers } = binary({ inputs: INPUTS, parameters: { binary_data_output: true } });
    const reply = await server.rest.post(simplePath, pack[sent](body), {
      ...headers,
      ...(sent === 'none' ? {} : { 'content-encoding': sent }),
      'accept-encoding': asked === 'none' ? 'identity' : asked,
    });
    expect([reply.status, reply.headers.get('content-encoding')]).toEqual([200, asked === 'none' ? null : asked]);
    expect(answerOfRest(reply).outputs[1]?.raw).toEqual(Buffer.alloc(64));
  });

  it('3.5: an error is never packed, whoever asks', async () => {
    const reply = await server.rest.post(simplePath, '{}', { 'accept-encoding': 'gzip, deflate, br' });
    expect([reply.status, reply.headers.get('content-encoding')]).toEqual([400, null]);
    expect(reply.json).toHaveProperty('error');
  });

  it('3.5: generate takes no packed body', async () => {
    const body = gzipSync('{"text_input":"hi"}');
    const reply = await server.rest.post('/v2/models/talker/generate', body, { 'content-encoding': 'gzip' });
    expect(reply.status).toBe(400);
  });
});

describe('errors', () => {
  it.each<[string, Send]>([
    ['400', post(simplePath, '{')],
    ['404', get('/v2/models/nope')],
    ['405', get(simplePath)],
    ['501', post('/v2/repository/other/index')],
  ])('2.1: of status %s are JSON with their text', async (status, send) => {
    const { reply, ...answer } = await send(server);
    expect([String(answer.status), reply]).toEqual([status, { error: answer.message }]);
    expect(answer.message).not.toBe('');
  });
});

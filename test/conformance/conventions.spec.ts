import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serve, type TestServer } from '#testing';
import { captureLog } from '../support/captured-log.js';
import { callRaw, encodeMessage } from '../support/raw-rpc.js';
import {
  answerOfRest,
  inferOver,
  inferPath,
  onlyOutput,
  type SentInference,
  toBody,
  toMessage,
  WIRES,
} from '../support/wires.js';
import { Raising, Vector } from './models.js';

/** How a success looks, where clients rely on it. */

let server: TestServer;

captureLog();

beforeAll(async () => {
  const samples = join(import.meta.dirname, '../../model-repository');
  server = await serve([Vector, Raising], { environment: { MODEL_REPOSITORY: samples } });
});

afterAll(() => server.close());

const ones = Array.from({ length: 16 }, () => 1);
const ramp = Array.from({ length: 16 }, (_, i) => i);

const simple: SentInference = {
  model: 'simple',
  inputs: [
    { name: 'INPUT1', datatype: 'INT32', shape: [1, 16], data: ones },
    { name: 'INPUT0', datatype: 'INT32', shape: [1, 16], data: ramp },
  ],
};
const vector: SentInference = {
  model: 'vector',
  inputs: [{ name: 'x', datatype: 'FP32', shape: [2], data: [1, -0.5] }],
};
const vectorBody = '{"inputs":[{"name":"x","datatype":"FP32","shape":[2],"data":[1,-0.5]}]}';
const vectorPath = inferPath('vector');

const int32s = (values: readonly number[]): Buffer => Buffer.from(Int32Array.from(values).buffer);

describe.each(WIRES)('%s', (wire) => {
  it("gives all outputs in the model's order, computed from inputs in any order", async () => {
    const answer = await inferOver[wire](server, { ...simple, binary: true });
    expect(answer.outputs).toEqual([
      { name: 'OUTPUT0', datatype: 'INT32', shape: [1, 16], raw: int32s(ramp.map((i) => i + 1)) },
      { name: 'OUTPUT1', datatype: 'INT32', shape: [1, 16], raw: int32s(ramp.map((i) => i - 1)) },
    ]);
  });

  it("gives the requested outputs in the model's order, not the request's", async () => {
    const both = await inferOver[wire](server, { ...simple, outputs: ['OUTPUT1', 'OUTPUT0'] });
    expect(both.outputs.map(({ name }) => name)).toEqual(['OUTPUT0', 'OUTPUT1']);
    const one = await inferOver[wire](server, { ...simple, outputs: ['OUTPUT1'] });
    expect(one.outputs.map(({ name }) => name)).toEqual(['OUTPUT1']);
  });

  it('names the model and the version that ran', async () => {
    const { reply } = await inferOver[wire](server, vector);
    expect(reply).toMatchObject({ model_name: 'vector', model_version: '1' });
  });

  it('echoes the id of the request', async () => {
    const { reply } = await inferOver[wire](server, { ...vector, id: 'my id: ü' });
    expect(reply).toMatchObject({ id: 'my id: ü' });
  });

  it('takes parameters that it does not know', async () => {
    const answer = await inferOver[wire](server, { ...vector, parameters: { custom: 'k' } });
    expect(answer).toMatchObject({ message: '', reply: { parameters: { custom: expect.anything() as unknown } } });
  });
});

describe('grpc', () => {
  it('answers a typed request raw', async () => {
    const { outputs, reply } = await inferOver.grpc(server, vector);
    expect(outputs).toEqual([
      { name: 'y', datatype: 'FP32', shape: [2], raw: Buffer.from(Float32Array.of(1, -0.5).buffer) },
    ]);
    expect((reply as { outputs: { contents?: unknown }[] }).outputs.map(({ contents }) => contents)).toEqual([
      undefined,
    ]);
  });

  it('leaves the id empty for a request without one', async () => {
    const { reply } = await inferOver.grpc(server, vector);
    // An empty text may stay away from the wire.
    expect((reply as { readonly id?: string }).id ?? '').toBe('');
  });

  it('takes binary_data_output, which only REST has a use for', async () => {
    const answer = await inferOver.grpc(server, { ...vector, parameters: { binary_data_output: true } });
    expect(answer.status).toBe('OK');
  });

  const call = (request: SentInference, headers?: Readonly<Record<string, string>>) =>
    callRaw(
      server,
      '/inference.GRPCInferenceService/ModelInfer',
      [encodeMessage('ModelInfer', toMessage(request))],
      headers,
    );

  it('sends the x-request-id back in a trailer', async () => {
    const { status, trailers } = await call(vector, { 'x-request-id': 'trace-7' });
    expect([status, trailers.get('x-request-id')]).toEqual(['OK', ['trace-7']]);
  });

  it('sends it with an error too', async () => {
    const { status, trailers } = await call({ ...vector, model: 'raising' }, { 'x-request-id': 'trace-8' });
    expect([status, trailers.get('x-request-id')]).toEqual(['INTERNAL', ['trace-8']]);
  });

  it("makes it from the request's id, or anew", async () => {
    expect((await call({ ...vector, id: 'run-9' })).trailers.get('x-request-id')).toEqual(['run-9']);
    const [first] = (await call(vector)).trailers.get('x-request-id');
    const [second] = (await call(vector)).trailers.get('x-request-id');
    expect(first).toMatch(/^[\da-f-]{36}$/);
    expect(second).not.toBe(first);
  });
});

describe('rest', () => {
  it('writes the keys in the order of the reference', async () => {
    const { body } = toBody({ ...vector, id: 'a', parameters: { k: 'v' } });
    const { bytes } = await server.rest.post(vectorPath, body);
    expect(bytes.toString()).toBe(
      '{"id":"a","model_name":"vector","model_version":"1","parameters":{"k":"v"},"outputs":[{"name":"y","datatype":"FP32","shape":[2],"data":[1,-0.5]}]}',
    );
  });

  it.each([vectorBody, vectorBody.replace('{', '{"id":"","parameters":{},')])(
    'leaves out an id and parameters that are empty: %s',
    async (body) => {
      const { bytes } = await server.rest.post(vectorPath, body);
      expect(bytes.toString()).toBe(
        '{"model_name":"vector","model_version":"1","outputs":[{"name":"y","datatype":"FP32","shape":[2],"data":[1,-0.5]}]}',
      );
    },
  );

  it('ignores unknown top-level keys', async () => {
    const body = vectorBody.replace('{', '{"unknown":{"inputs":[1]},"stream":true,');
    expect(onlyOutput(answerOfRest(await server.rest.post(vectorPath, body))).data).toEqual([1, -0.5]);
  });

  it('ignores a query string', async () => {
    const answer = answerOfRest(await server.rest.post(`${vectorPath}?test_1=1&test_2=2`, vectorBody));
    expect(onlyOutput(answer).data).toEqual([1, -0.5]);
    expect((await server.rest.get('/v2?test_1=1')).status).toBe(200);
    expect((await server.rest.get('/v2/?test_1=1')).status).toBe(200);
  });

  it.each(['application/x-www-form-urlencoded', 'text/plain', 'application/octet-stream', 'multipart/form-data', ''])(
    'reads a JSON body whatever its content type: %j',
    async (type) => {
      const answer = answerOfRest(await server.rest.post(vectorPath, vectorBody, { 'content-type': type }));
      expect(onlyOutput(answer).data).toEqual([1, -0.5]);
    },
  );

  it('sends the x-request-id back, with an error too', async () => {
    const headers = { 'x-request-id': 'trace-7' };
    const fine = await server.rest.post(vectorPath, vectorBody, headers);
    expect([fine.status, fine.headers.get('x-request-id')]).toEqual([200, 'trace-7']);
    const failed = await server.rest.post(inferPath('raising'), vectorBody, headers);
    expect([failed.status, failed.headers.get('x-request-id')]).toEqual([500, 'trace-7']);
    const refused = await server.rest.post(vectorPath, '{', headers);
    expect([refused.status, refused.headers.get('x-request-id')]).toEqual([400, 'trace-7']);
    const lost = await server.rest.get('/nowhere', headers);
    expect([lost.status, lost.headers.get('x-request-id')]).toEqual([404, 'trace-7']);
  });

  it("makes it from the request's id, or anew", async () => {
    const named = await server.rest.post(vectorPath, vectorBody.replace('{', '{"id":"run-9",'));
    expect(named.headers.get('x-request-id')).toBe('run-9');
    const [first, second] = await Promise.all([
      server.rest.post(vectorPath, vectorBody),
      server.rest.post(vectorPath, vectorBody),
    ]);
    expect(first.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
    expect(second.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'));
  });

  // Which outputs come back binary: section 3.3 of the reference.
  it.each([
    ['nothing asked', {}, [false, false]],
    ['one output binary, one not', { outputs: { OUTPUT0: true, OUTPUT1: false } }, [true, false]],
    ['one output binary, one silent', { outputs: { OUTPUT0: true, OUTPUT1: undefined } }, [true, false]],
    ['the default, no outputs listed', { all: true }, [true, true]],
    [
      'the default does not reach listed outputs',
      { all: true, outputs: { OUTPUT0: false, OUTPUT1: undefined } },
      [false, false],
    ],
  ] as const)('3.3: %s', async (_, { all, outputs = {} }: Asked, binary) => {
    const { body } = toBody(simple);
    const listed = Object.entries(outputs).map(([name, asked]) =>
      asked === undefined ? { name } : { name, parameters: { binary_data: asked } },
    );
    const parameters = all === undefined ? {} : { binary_data_output: all };
    const reply = await server.rest.post(inferPath('simple'), { ...(body as object), parameters, outputs: listed });
    expect(answerOfRest(reply).outputs.map(({ raw }) => raw !== undefined)).toEqual(binary);
    const type = binary.some(Boolean) ? 'application/octet-stream' : 'application/json';
    expect(reply.headers.get('content-type')).toMatch(type);
    expect(reply.headers.has('inference-header-content-length')).toBe(binary.some(Boolean));
  });

  it('answers a raw request of the only input with binary outputs', async () => {
    const reply = await server.rest.post(vectorPath, Buffer.from(Float32Array.of(1, 2, 3).buffer), {
      'inference-header-content-length': '0',
    });
    expect(onlyOutput(answerOfRest(reply))).toEqual({
      name: 'y',
      datatype: 'FP32',
      shape: [3],
      raw: Buffer.from(Float32Array.of(1, 2, 3).buffer),
    });
  });
});

interface Asked {
  readonly all?: boolean;
  readonly outputs?: Readonly<Record<string, boolean | undefined>>;
}

import { request as httpRequest } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { fp32, type InferContext, type Inputs, Model, ModelClient, ServingError } from '#core';
import { defineModel, serve, type TestServer } from '#testing';
import { captureLog } from '../../test/support/captured-log.js';
import { vector } from '../../test/support/engine.js';
import { callRaw, encodeMessage } from '../../test/support/raw-rpc.js';
import {
  get,
  inferOver,
  inferPath,
  post,
  rpc,
  type SentInference,
  toBody,
  toMessage,
  type Wire,
  WIRES,
} from '../../test/support/wires.js';
import { Deferred } from '../testing/deferred.js';

const log = captureLog();

let server: TestServer;

afterEach(async () => {
  await server?.close();
});

const x = { name: 'x', datatype: 'FP32', shape: [2], data: [1, 2] };

const requestOf = (parts: Partial<SentInference> = {}): SentInference => ({ model: 'echo', inputs: [x], ...parts });

const echo = defineModel('echo', vector, ({ x }) => ({ y: x }));

/** The values of the first output, whichever way they came. */
function valuesOf({ outputs: [output] }: Awaited<ReturnType<(typeof inferOver)['grpc']>>): number[] {
  const { data, raw = Buffer.alloc(0) } = output ?? {};
  return data === undefined
    ? Array.from({ length: raw.length / 4 }, (_, i) => raw.readFloatLE(i * 4))
    : data.map(Number);
}

const OK = { grpc: 'OK', rest: 200 } as const;
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

describe.each(WIRES)('over %s', (wire) => {
  const send = (parts?: Partial<SentInference>) => inferOver[wire](server, requestOf(parts));

  it('several versions of a model serve side by side', async () => {
    const constant = (version: string, value: number) =>
      defineModel({ name: 'constant', version }, vector, () => ({ y: fp32.of([1], [value]) }));
    server = await serve([constant('9', 9), constant('10', 10), constant('beta', 0.5)]);
    const answer = async (version: string) => valuesOf(await send({ model: 'constant', version }));
    expect([await answer(''), await answer('9'), await answer('10'), await answer('beta')]).toEqual([
      [10],
      [9],
      [10],
      [0.5],
    ]);
    const { reply } = await send({ model: 'constant' });
    expect(reply).toMatchObject({ model_name: 'constant', model_version: '10' });
    expect((await send({ model: 'constant', version: '11' })).message).toBe(
      "Request for unknown model: 'constant' version 11 is not found",
    );
  });

  it('a model sees what it is asked, and by whom', async () => {
    const contexts: InferContext[] = [];
    const keeping = defineModel('echo', vector, ({ x }, context) => {
      contexts.push(context);
      return { y: x };
    });
    server = await serve(keeping);
    const before = Date.now();
    await send({ id: 'i-1', parameters: { text: 'a', flag: true } });
    const [context] = contexts;
    expect(context?.id).toBe('i-1');
    expect([...(context?.parameters ?? [])]).toEqual([
      ['text', 'a'],
      ['flag', true],
    ]);
    expect(context?.deadline).toBeGreaterThanOrEqual(before + 300_000);
    expect(context?.deadline).toBeLessThanOrEqual(Date.now() + 300_000);
    expect(context?.principal).toBeUndefined();
  });

  it('a model may set parameters of its response', async () => {
    const parameters = {
      text: 'a\u4e2d',
      flag: false,
      count: 7,
      half: 0.5,
      large: 2n ** 63n - 1n,
      huge: 2n ** 64n - 1n,
    };
    const setting = defineModel('echo', vector, ({ x }, { response }) => {
      for (const [name, value] of Object.entries(parameters)) response.parameters.set(name, value);
      return { y: x };
    });
    server = await serve(setting);
    const { reply } = await send();
    const given = (reply as { parameters: Record<string, unknown> }).parameters;
    expect(given).toMatchObject(
      wire === 'rest'
        ? parameters
        : {
            text: { string_param: 'a\u4e2d' },
            flag: { bool_param: false },
            count: { int64_param: '7' },
            half: { double_param: 0.5 },
            large: { int64_param: '9223372036854775807' },
            huge: { uint64_param: '18446744073709551615' },
          },
    );
  });

  it('a model whose load fails is unavailable, with its message as the reason', async () => {
    const broken = defineModel('broken', vector, ({ x }) => ({ y: x }), {
      load: () => Promise.reject(new Error('no GPU found')),
    });
    await expect(serve([echo, broken])).rejects.toThrow("model 'broken' version 1 is unavailable: no GPU found");
    server = await serve([echo, broken], { unready: true });
    await server.settled();
    const index = await { grpc: rpc('RepositoryIndex'), rest: post('/v2/repository/index') }[wire](server);
    expect(JSON.stringify(index.reply)).toContain('"reason":"no GPU found"');
    expect(await send({ model: 'broken' })).toMatchObject({
      status: { grpc: 'NOT_FOUND', rest: 404 }[wire],
      message: "Request for unknown model: 'broken' has no available versions",
    });
    expect(await send({ model: 'broken', version: '1' })).toMatchObject({
      status: { grpc: 'UNAVAILABLE', rest: 503 }[wire],
      message: "Request for unknown model: 'broken' version 1 is not at ready state",
    });
    expect(valuesOf(await send())).toEqual([1, 2]);
  });

  it('a model may answer with an error of its own; any other is hidden, and logged', async () => {
    const failing = defineModel('echo', vector, ({ x }) => {
      if (x.data[0] === 1) throw new ServingError('resource-exhausted', 'no tokens left');
      throw new Error('cannot open /srv/weights');
    });
    server = await serve(failing);
    expect(await send()).toMatchObject({
      status: { grpc: 'RESOURCE_EXHAUSTED', rest: 429 }[wire],
      message: 'no tokens left',
    });
    expect(await send({ inputs: [{ ...x, data: [2, 2] }] })).toMatchObject({
      status: { grpc: 'INTERNAL', rest: 500 }[wire],
      message: "model 'echo' failed to execute the request",
    });
    expect(log()).toContain('cannot open /srv/weights');
  });

  describe('the id', () => {
    interface Ids {
      /** Of the inference, in the reply. */
      readonly own: string | undefined;
      /** Of the call, in a header or trailer. */
      readonly call: string | undefined;
    }

    /** Sends an inference with ids of both kinds, and reads both back. */
    const IDS: Readonly<Record<Wire, (id: string, header: string | undefined, model?: string) => Promise<Ids>>> = {
      async grpc(id, header, model = 'echo') {
        const path = '/inference.GRPCInferenceService/ModelInfer';
        const message = encodeMessage('ModelInfer', toMessage(requestOf({ id, model })));
        const { trailers, replies } = await callRaw(
          server,
          path,
          [message],
          header === undefined ? {} : { 'x-request-id': header },
        );
        const reply = await server.grpc.call<{ id?: string }>('ModelInfer', toMessage(requestOf({ id })));
        return { own: replies.length === 0 ? undefined : reply.id, call: trailers.get('x-request-id')[0]?.toString() };
      },
      async rest(id, header, model = 'echo') {
        const { body, headers } = toBody(requestOf(id === '' ? {} : { id }));
        const own = header === undefined ? {} : { 'x-request-id': header };
        const { json, headers: replied } = await server.rest.post(inferPath(model), body, { ...headers, ...own });
        return { own: (json as { id?: string }).id, call: replied.get('x-request-id') ?? undefined };
      },
    };

    const start = async () => {
      server = await serve(echo, { environment: { LOG_LEVEL: 'info', LOG_FORMAT: 'json' } });
    };

    /** The ids in the lines of the access log. */
    const logged = (): unknown[] =>
      log()
        .split('\n')
        .filter((line) => line.includes('"AccessLog"'))
        .map((line) => (JSON.parse(line) as { requestId: string }).requestId);

    it.each([
      ['of the call is that of its header', '', 'r-1', 'r-1'],
      ['of the inference is echoed beside it', 'i-1', 'r-1', 'r-1'],
      ['of the inference is that of the call, where it has no header', 'i-1', undefined, 'i-1'],
      ['is made where the caller has none', '', undefined, UUID],
      ['is made where that of the caller has blanks', '', 'r 1', UUID],
      ['is made where that of the caller is too long', '', 'r'.repeat(129), UUID],
      ['of the inference may be any text, that of the call may not', 'i 1\n\u4e2d', undefined, UUID],
    ])('%s', async (_, id, header, expected) => {
      await start();
      const ids = await IDS[wire](id, header);
      expect(ids.own ?? '').toBe(id);
      expect(ids.call).toMatch(expected);
      await vi.waitFor(() => expect(logged()).toContain(ids.call));
    });

    it('is told with errors too', async () => {
      await start();
      const ids = await IDS[wire]('i-1', 'r-1', 'nobody');
      expect(ids.call).toBe('r-1');
      await vi.waitFor(() => expect(logged()).toContain('r-1'));
    });

    it('reaches the model', async () => {
      const seen: string[] = [];
      server = await serve(
        defineModel('echo', vector, ({ x }, { id }) => {
          seen.push(id);
          return { y: x };
        }),
      );
      const { call } = await IDS[wire]('', undefined);
      expect(seen[0]).toBe(call);
    });
  });

  it('the line of the access log says what was asked and what came of it', async () => {
    server = await serve(echo, { environment: { LOG_LEVEL: 'info', LOG_FORMAT: 'json' } });
    await send({ id: 'i-1' });
    await send({ id: 'i-2', version: '7' });
    const lines = () =>
      log()
        .split('\n')
        .filter((line) => line.includes('"AccessLog"'))
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    await vi.waitFor(() => expect(lines()).toHaveLength(2));
    const [first, second] = lines();
    expect(first).toMatchObject({
      requestId: 'i-1',
      wire,
      model: 'echo',
      version: '1',
      code: 'ok',
      status: { grpc: 0, rest: 200 }[wire],
    });
    expect(first?.['computeMs']).toBeGreaterThan(0);
    expect(second).toMatchObject({
      requestId: 'i-2',
      wire,
      model: 'echo',
      version: '7',
      code: 'not-found',
      status: { grpc: 5, rest: 404 }[wire],
    });
  });

  describe('a model that calls another', () => {
    @Model('outer', vector)
    class OuterModel {
      constructor(private readonly models: ModelClient) {}

      async infer({ x }: Inputs<typeof vector>, context: InferContext) {
        return this.models.infer({ name: 'inner', signature: vector }, { x }, context);
      }
    }

    const innerOf = (infer: (context: InferContext) => number | Promise<number>) =>
      defineModel('inner', vector, async (_, context) => ({ y: fp32.of([1], [await infer(context)]) }));

    it('gets its outputs', async () => {
      server = await serve([OuterModel, innerOf(() => 42)]);
      expect(valuesOf(await send({ model: 'outer' }))).toEqual([42]);
    });

    it('fails as it does, for its caller', async () => {
      server = await serve([OuterModel, innerOf(() => Promise.reject(new ServingError('not-found', 'no such user')))]);
      expect(await send({ model: 'outer' })).toMatchObject({
        status: { grpc: 'NOT_FOUND', rest: 404 }[wire],
        message: 'no such user',
      });
      await post('/v2/repository/models/inner/unload')(server);
      expect(await send({ model: 'outer' })).toMatchObject({
        status: { grpc: 'NOT_FOUND', rest: 404 }[wire],
        message: "Request for unknown model: 'inner' has no available versions",
      });
    });

    it('hands on who calls, and under which id', async () => {
      const seen: unknown[] = [];
      const environment = { API_KEYS: 'ci:key-of-the-ci-0001' };
      server = await serve(
        [
          OuterModel,
          innerOf(({ id, principal }) => {
            seen.push(id, principal?.name);
            return 1;
          }),
        ],
        { environment },
      );
      const headers = { 'x-api-key': 'key-of-the-ci-0001' };
      const request = requestOf({ model: 'outer', id: 'i-1' });
      const { body } = toBody(request);
      const answer = await {
        grpc: rpc('ModelInfer', toMessage(request), { metadata: headers }),
        rest: post(inferPath('outer'), body, headers),
      }[wire](server);
      expect(answer.status).toBe(OK[wire]);
      expect(seen).toEqual(['i-1', 'ci']);
    });

    it('is given up with its caller', async () => {
      const started = new Deferred<AbortSignal>();
      const aborted = new Deferred<unknown>();
      server = await serve([
        OuterModel,
        innerOf(({ signal }) => {
          signal.addEventListener('abort', () => aborted.resolve(signal.reason));
          started.resolve(signal);
          return new Promise<number>(() => undefined);
        }),
      ]);
      const request = requestOf({ model: 'outer' });
      const leave = { grpc: callOverGrpc, rest: callOverRest }[wire](request);
      await started.promise;
      leave();
      expect(await aborted.promise).toMatchObject({ code: 'cancelled' });
    });
  });
});

/** Begins a call, and gives the way to leave it. */
function callOverGrpc(request: SentInference): () => void {
  const controller = new AbortController();
  const running = server.grpc.call('ModelInfer', toMessage(request), { signal: controller.signal });
  running.catch(() => undefined);
  return () => controller.abort();
}

function callOverRest(request: SentInference): () => void {
  const running = httpRequest(`${server.addresses.http}${inferPath(request.model)}`, { method: 'POST', agent: false });
  running.on('error', () => undefined);
  running.end(JSON.stringify(toBody(request).body));
  return () => running.destroy();
}

it('answers under both spellings of the service, by all six rpcs', async () => {
  server = await serve(echo);
  const [name, model_name] = ['echo', 'echo'];
  for (const service of ['inference.GRPCInferenceService', 'inference.GrpcInferenceService'] as const) {
    const ask = async (method: string, message = {}) => (await rpc(method, message, { service })(server)).reply;
    expect(await ask('ServerLive')).toEqual({ live: true });
    expect(await ask('ServerReady')).toEqual({ ready: true });
    expect(await ask('ModelReady', { name })).toEqual({ ready: true });
    expect(await ask('ServerMetadata')).toMatchObject({ name: 'nest-inference-server' });
    expect(await ask('ModelMetadata', { name })).toMatchObject({ name, platform: 'nestjs' });
    expect(await ask('ModelInfer', toMessage(requestOf()))).toMatchObject({ model_name, outputs: [{ name: 'y' }] });
  }
});

it('a request that waits too long is given up', async () => {
  const stuck = defineModel('echo', vector, () => new Promise<never>(() => undefined));
  server = await serve(stuck, { environment: { REQUEST_TIMEOUT_MS: '30' } });
  expect(await inferOver.rest(server, requestOf())).toMatchObject({ status: 504, message: 'Deadline Exceeded' });
  expect(await inferOver.grpc(server, requestOf())).toMatchObject({ status: 'DEADLINE_EXCEEDED' });
  expect((await get('/v2/health/live')(server)).status).toBe(200);
});

import { join } from 'node:path';
import { status as Status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fp32, type InferContext, type Inputs, Model, optional, signature } from '#core';
import { defineModel, serve, type TestServer } from '#testing';
import { ALL_DATATYPES, echoModels, echoOf } from '../../../test/support/echo-models.js';
import { FakeUpstream } from '../../../test/support/fake-upstream.js';
import { loadRemote, remoteConfig } from '../../../test/support/remote-models.js';
import { inferOver, onlyOutput, toMessage, WIRES } from '../../../test/support/wires.js';
import type { BatchContext, LoadContext } from '../../core/inference/context.js';
import type { ParameterValue } from '../../core/inference/parameters.js';
import { wantedOutputs } from '../../core/inference/wanted-outputs.js';
import { encodeRaw } from '../../core/tensor/raw.js';
import type { LoadedModel } from '../../core/runtime/model-runtime.js';
import { zeros } from '../../core/tensor/zeros.js';
import { Deferred } from '../../testing/deferred.js';
import { encodeModelInferResponse } from '../../protocol/grpc/codec/infer-response.js';
import { encodeModelStreamInferResponse } from '../../protocol/grpc/codec/stream-response.js';
import { RemoteConfig } from './remote.config.js';
import { RemoteRuntime } from './remote.runtime.js';

/** What is remote runs on a second copy of this server. */

const vector = signature({ inputs: { x: fp32(-1) }, outputs: { y: fp32(-1) } });
const biased = signature({ inputs: { x: fp32(2), bias: optional(fp32(2)) }, outputs: { y: fp32(2) } });

let seen: InferContext[] = [];
let aborted = new Deferred();
let entered = new Deferred();

beforeEach(() => {
  seen = [];
  aborted = new Deferred();
  entered = new Deferred();
});

const Telling = defineModel('telling', vector, ({ x }, context) => {
  seen.push(context);
  context.response.parameters.set('length', x.data.length).set('text', 'told');
  return { y: x };
});

const Stuck = defineModel('stuck', vector, (_, { signal }) => {
  signal.addEventListener('abort', () => aborted.resolve(), { once: true });
  entered.resolve();
  return new Promise<never>(() => undefined);
});

/** `x` is how many responses it gives; endless for a negative one. */
@Model('counting', vector)
class Counting {
  async *stream({ x }: Inputs<typeof vector>, { response, signal }: InferContext) {
    const [count = 0] = x.data;
    try {
      for (let index = 0; index < (count < 0 ? Infinity : count); index++) {
        entered.resolve();
        response.parameters.clear();
        response.parameters.set('index', index);
        yield { y: fp32.of([1], [index]) };
        await new Promise(setImmediate);
      }
    } finally {
      if (signal.aborted) aborted.resolve();
    }
  }
}

const two = signature({ inputs: { x: fp32(-1) }, outputs: { a: fp32(-1), b: fp32(-1) } });

const Two = defineModel('two', two, ({ x }, context) => {
  seen.push(context);
  return { a: x, b: x };
});

const UPSTREAM = [Telling, Stuck, Two, Counting, ...echoModels([-1])];

const vectorOf = (...values: number[]) => ({
  name: 'x',
  datatype: 'FP32',
  shape: [values.length],
  raw: Buffer.from(Float32Array.from(values).buffer),
});

const rawOf = (...values: number[]): Buffer => Buffer.from(Float32Array.from(values).buffer);

const frontOf = ({ addresses }: Pick<TestServer, 'addresses'>, environment: Readonly<Record<string, string>> = {}) =>
  serve([], {
    environment: { REMOTE_UPSTREAMS: `other=${addresses.grpc}`, REMOTE_BREAKER_OPEN_MS: '50', ...environment },
  });

let upstream: TestServer;
let front: TestServer;

beforeEach(async () => {
  upstream = await serve(UPSTREAM);
  front = await frontOf(upstream);
});

afterEach(async () => {
  await front.close();
  await upstream.close();
});

describe('a remote model', () => {
  it.each(ALL_DATATYPES)('passes %s on, to the bit', async (datatype) => {
    await loadRemote(front, 'm', { upstream: 'other', model: echoOf(datatype) });
    const elements = zeros({ datatype, shape: [3] } as never);
    const raw =
      datatype === 'BYTES'
        ? Buffer.from([2, 0, 0, 0, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 0, 65])
        : Buffer.from(encodeRaw(elements)).map((_, index) => (datatype === 'BOOL' ? index % 2 : 0x3f - index));
    const input = { name: 'x', datatype, shape: [3], raw: Buffer.from(raw) };
    const output = onlyOutput(await inferOver.grpc(front, { model: 'm', inputs: [input] }));
    expect(output).toMatchObject({ name: 'y', datatype, shape: [3] });
    expect(output.raw).toEqual(input.raw);
  });

  it('has the signature that the upstream tells of it', async () => {
    await loadRemote(front, 'telling', { upstream: 'other' });
    const [remote, own] = await Promise.all(
      [front, upstream].map(({ grpc }) => grpc.call('ModelMetadata', { name: 'telling' })),
    );
    expect(remote).toEqual({ ...own, platform: 'remote' });
  });

  it.each(WIRES)('passes id and parameters on, and those of the response back: %s', async (wire) => {
    await loadRemote(front, 'm', { upstream: 'other', model: 'telling', version: '1' });
    const parameters = { text: 'é', flag: true };
    const { reply } = await inferOver[wire](front, {
      model: 'm',
      id: 'i-1',
      parameters,
      inputs: [{ ...vectorOf(1, 2), ...(wire === 'rest' ? { raw: undefined as never, data: [1, 2] } : {}) }],
    });
    const [context] = seen;
    expect(context?.id).toBe('i-1');
    expect(context?.parameters).toEqual(new Map(Object.entries(parameters)));
    expect(context?.principal).toBeUndefined();
    expect(reply).toMatchObject({
      id: 'i-1',
      model_name: 'm',
      parameters:
        wire === 'grpc'
          ? { length: { int64_param: '2' }, text: { string_param: 'told' } }
          : { length: 2, text: 'told' },
    });
  });

  it.each(WIRES)('is asked for the outputs that the caller wants, and for all without any: %s', async (wire) => {
    await loadRemote(front, 'two', { upstream: 'other' });
    const inputs = [{ ...vectorOf(1), ...(wire === 'rest' ? { raw: undefined as never, data: [1] } : {}) }];
    const names = async (outputs: string[]) =>
      (await inferOver[wire](front, { model: 'two', inputs, outputs })).outputs.map(({ name }) => name);
    expect(await names(['b'])).toEqual(['b']);
    expect(await names([])).toEqual(['a', 'b']);
    expect(seen.map(({ outputs }) => outputs)).toEqual([['b'], undefined]);
  });

  it('passes the time that is left on', async () => {
    await loadRemote(front, 'telling', { upstream: 'other' });
    const deadline = Date.now() + 30_000;
    await front.grpc.call('ModelInfer', toMessage({ model: 'telling', inputs: [vectorOf(1)] }), { deadlineMs: 30_000 });
    expect(Math.abs((seen[0]?.deadline ?? 0) - deadline)).toBeLessThan(2_000);
  });

  it('is cancelled with its caller', async () => {
    await loadRemote(front, 'stuck', { upstream: 'other' });
    const controller = new AbortController();
    const call = front.grpc.call('ModelInfer', toMessage({ model: 'stuck', inputs: [vectorOf(1)] }), {
      signal: controller.signal,
    });
    await entered.promise;
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: Status.CANCELLED });
    await aborted.promise;
  });

  it('is given up at the deadline', async () => {
    await loadRemote(front, 'stuck', { upstream: 'other' });
    const call = front.grpc.call('ModelInfer', toMessage({ model: 'stuck', inputs: [vectorOf(1)] }), {
      deadlineMs: 300,
    });
    await expect(call).rejects.toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    await aborted.promise;
  });

  it('that the upstream has unloaded answers as the upstream does', async () => {
    await loadRemote(front, 'telling', { upstream: 'other' });
    await upstream.grpc.call('RepositoryModelUnload', { model_name: 'telling' });
    expect(await inferOver.grpc(front, { model: 'telling', inputs: [vectorOf(1)] })).toMatchObject({
      status: 'NOT_FOUND',
      message: "Request for unknown model: 'telling' has no available versions",
    });
  });

  it('follows its upstream through a restart on the same port', async () => {
    await loadRemote(front, 'telling', { upstream: 'other' });
    const { port } = new URL(`http://${upstream.addresses.grpc}`);
    const request = { model: 'telling', inputs: [vectorOf(1)] };
    const ready = async () => (await front.grpc.call<{ ready?: boolean }>('ServerReady')).ready ?? false;
    await upstream.close();
    for (let call = 0; call < 3; call++)
      expect(await inferOver.grpc(front, request)).toMatchObject({ status: 'UNAVAILABLE' });
    expect(await ready()).toBe(false);
    upstream = await serve(UPSTREAM, { environment: { GRPC_PORT: port } });
    await vi.waitFor(async () => expect(await ready()).toBe(true), { timeout: 10_000 });
    expect(onlyOutput(await inferOver.grpc(front, request)).raw).toEqual(rawOf(1));
  });

  it('is called over TLS where authorities are configured', async () => {
    const tls = join(import.meta.dirname, '../../../test/fixtures/tls');
    await using secure = await serve(UPSTREAM, {
      environment: { TLS_CERT: join(tls, 'server.crt'), TLS_KEY: join(tls, 'server.key') },
    });
    const trusting = await frontOf(secure, { REMOTE_TLS_CA: join(tls, 'ca.crt') });
    await loadRemote(trusting, 'telling', { upstream: 'other' });
    const answer = await inferOver.grpc(trusting, { model: 'telling', inputs: [vectorOf(1)] });
    await trusting.close();
    expect(onlyOutput(answer).raw).toEqual(rawOf(1));
    // The authorities of the system do not know the server's.
    await using wary = await frontOf(secure, { REMOTE_TLS: 'true', REMOTE_METADATA_TIMEOUT_MS: '1000' });
    await expect(loadRemote(wary, 'telling', { upstream: 'other' })).rejects.toThrow("'other' cannot be reached");
  });
});

interface StreamReply {
  readonly error_message?: string;
  readonly infer_response: object;
}

describe('a decoupled remote model', () => {
  beforeEach(() => loadRemote(front, 'counting', { upstream: 'other', decoupled: true }));

  const message = (count: number) => ({
    ...toMessage({ model: 'counting', id: 's-1', inputs: [vectorOf(count)] }),
    parameters: { triton_enable_empty_final_response: { bool_param: true } },
  });

  it.each([0, 1, 5])('gives %i responses as they come, each with its parameters', async (count) => {
    const stream = front.grpc.duplex('ModelStreamInfer');
    stream.end(message(count));
    const replies: unknown[] = [];
    for await (const { error_message, infer_response } of stream as AsyncIterable<StreamReply>) {
      expect(error_message ?? '').toBe('');
      replies.push(infer_response);
    }
    const expected = Array.from({ length: count }, (_, index) => ({
      id: 's-1',
      parameters: { index: { int64_param: String(index) }, triton_final_response: { bool_param: false } },
      raw_output_contents: [rawOf(index)],
    }));
    expect(replies).toMatchObject([...expected, { parameters: { triton_final_response: { bool_param: true } } }]);
    expect(replies).toHaveLength(count + 1);
  });

  it('is refused for a single answer', async () => {
    expect(await inferOver.grpc(front, { model: 'counting', inputs: [vectorOf(1)] })).toMatchObject({
      status: 'UNIMPLEMENTED',
    });
  });

  it('is cancelled with its caller, amid its responses', async () => {
    const stream = front.grpc.duplex('ModelStreamInfer');
    stream.on('error', () => undefined);
    stream.end(message(-1));
    for await (const _ of stream) break;
    stream.cancel();
    await aborted.promise;
  });
});

describe('what the upstream says of a model', () => {
  let fake: FakeUpstream;
  let runtime: RemoteRuntime;

  beforeEach(async () => {
    fake = await FakeUpstream.listen();
    runtime = runtimeWith({});
  });

  afterEach(() => fake.close());

  const runtimeWith = (keys: Partial<RemoteConfig>) =>
    new RemoteRuntime(Object.assign(new RemoteConfig(), { REMOTE_UPSTREAMS: [`up=127.0.0.1:${fake.port}`] }, keys));

  const context: LoadContext = { name: 'm', version: '1', signal: new AbortController().signal };

  const load = (name = 'm', by = runtime): Promise<LoadedModel> =>
    by.load({ name, version: '1', path: 'remote', config: remoteConfig({ upstream: 'up' }) }, context);

  it('says whether it is decoupled, and which inputs may be left out', async () => {
    fake.metadata = {
      inputs: biased.inputs.map(({ name, datatype, shape }) => ({ name, datatype, shape: shape.map(String) })),
      outputs: [{ name: 'y', datatype: 'FP32', shape: ['-1', '-7'] }],
    };
    fake.config = { input: [{ name: 'bias', optional: true }], model_transaction_policy: { decoupled: true } };
    const { inputs, outputs, model } = await load();
    expect(inputs).toEqual(biased.inputs);
    expect(outputs).toEqual([{ name: 'y', datatype: 'FP32', shape: [-1, -1], optional: false }]);
    expect([typeof model.infer, typeof model.stream]).toEqual(['undefined', 'function']);
    await model.unload?.();
  });

  it.each([
    [{ outputs: [] }, 'its metadata there names no outputs'],
    [{ outputs: [{ datatype: 'FP32' }] }, 'its metadata there has an output without a name'],
    [{ outputs: [{ name: 'y', datatype: 'FP8' }] }, "output 'y' has the unknown datatype 'FP8' there"],
    [
      { outputs: [{ name: 'y', datatype: 'FP32', shape: [(2n ** 60n).toString()] }] },
      `output 'y' has the shape [${2n ** 60n}] there`,
    ],
    [
      {
        outputs: [
          { name: 'y', datatype: 'FP32' },
          { name: 'y', datatype: 'FP32' },
        ],
      },
      "its metadata there names output 'y' twice",
    ],
  ])('is refused where it makes no signature: %j', async (metadata, text) => {
    fake.metadata = metadata;
    await expect(load()).rejects.toThrow(`upstream 'up' cannot serve model 'm': ${text}`);
    await vi.waitFor(() => expect(fake.sessions.size).toBe(0));
  });

  it('is missing: the configuration names no upstream', async () => {
    await expect(runtime.load({ name: 'm', version: '1', path: 'remote' }, context)).rejects.toThrow(
      "the configuration of model 'm' names no upstream: set its parameter 'upstream' to one of REMOTE_UPSTREAMS",
    );
  });

  it('is waited for while it starts', async () => {
    const { port } = fake;
    await fake.close();
    const loading = load();
    fake = await FakeUpstream.listen(port);
    const { model } = await loading;
    await model.unload?.();
  });

  it('is not waited for once the load is given up', async () => {
    fake.answers = false;
    const controller = new AbortController();
    const loading = runtime.load(
      { name: 'm', version: '1', path: 'remote', config: remoteConfig({ upstream: 'up' }) },
      { ...context, signal: controller.signal },
    );
    await vi.waitFor(() => expect(fake.sessions.size).toBe(1));
    controller.abort(new Error('given up'));
    await expect(loading).rejects.toThrow('given up');
  });

  it('comes over connections that all its models share, until the last is unloaded', async () => {
    const shared = runtimeWith({ REMOTE_CHANNELS: 3 });
    const [first, second] = [await load('a', shared), await load('b', shared)];
    const infer = ({ model }: LoadedModel) => model.infer?.({ x: fp32.of([1], [1]) }, callerOf('i'));
    for (let turn = 0; turn < 6; turn++) await infer(turn % 2 === 0 ? first : second);
    expect(fake.sessions.size).toBe(3);
    await first.model.unload?.();
    await infer(second);
    expect(fake.sessions.size).toBe(3);
    await second.model.unload?.();
    await vi.waitFor(() => expect(fake.sessions.size).toBe(0));
    // What is loaded again connects again.
    const again = await load('a', shared);
    await infer(again);
    await again.model.unload?.();
  });

  describe('its answers', () => {
    const replyOf = (value: number, own: Readonly<Record<string, ParameterValue>>) => ({
      model: 'm',
      version: '1',
      id: '',
      parameters: new Map(Object.entries(own)),
      outputs: [{ name: 'y', tensor: fp32.of([1], [value]) }],
    });
    const streamed = (value: number, own: Readonly<Record<string, ParameterValue>>): Buffer =>
      encodeModelStreamInferResponse({ error: '', response: replyOf(value, own) });
    const inputs = { x: fp32.of([1], [1]) };

    it('lose the mark of the last one, which is for this server to set', async () => {
      const { model } = await load();
      const caller = callerOf('i');
      fake.onInfer = (call) =>
        call.reply(encodeModelInferResponse(replyOf(1, { own: 7, triton_final_response: true })));
      await model.infer?.(inputs, caller);
      expect(caller.response.parameters).toEqual(new Map([['own', 7]]));
      await model.unload?.();
    });

    it('end with the one that is marked as the last, each with its own parameters', async () => {
      fake.config = { model_transaction_policy: { decoupled: true } };
      const { model } = await load();
      const caller = callerOf('i');
      fake.onInfer = (call) => {
        call.write(streamed(1, { first: 1 }));
        call.write(streamed(2, { second: 2, triton_final_response: true }));
        call.write(streamed(3, {}));
      };
      const answers: unknown[] = [];
      for await (const { y } of model.stream?.(inputs, caller) ?? []) {
        answers.push([...(y?.data ?? []), Object.fromEntries(caller.response.parameters)]);
      }
      expect(answers).toEqual([
        [1, { first: 1 }],
        [2, { second: 2 }],
      ]);
      const [call] = fake.inferences;
      expect(call?.request.parameters).toMatchObject({ triton_enable_empty_final_response: { bool_param: true } });
      expect(call?.headers).toMatchObject({ triton_grpc_error: 'true' });
      await model.unload?.();
    });

    it('are cancelled when nobody wants more of them', async () => {
      fake.config = { model_transaction_policy: { decoupled: true } };
      const { model } = await load();
      const closed = new Deferred<number>();
      fake.onInfer = (call) => {
        call.stream.on('close', () => closed.resolve(call.stream.rstCode));
        call.write(streamed(1, {}));
      };
      for await (const _ of model.stream?.(inputs, callerOf('i')) ?? []) break;
      // CANCEL
      expect(await closed.promise).toBe(8);
      await model.unload?.();
    });

    it('are not asked for while the model is out of order', async () => {
      const { model, availability } = await load('m', runtimeWith({ REMOTE_BREAKER_FAILURES: 1 }));
      fake.onInfer = (call) => call.end(Status.UNAVAILABLE, 'no room');
      await expect(model.infer?.(inputs, callerOf('i'))).rejects.toThrow(/^no room$/);
      expect(availability?.outage).toBe("calls to upstream 'up' fail: no room");
      await expect(model.infer?.(inputs, callerOf('i'))).rejects.toMatchObject({
        code: 'unavailable',
        message: "calls to upstream 'up' fail: no room",
      });
      expect(fake.inferences).toHaveLength(1);
      await model.unload?.();
    });
  });

  it('is for all requests of a batch: one call, in time for the most patient of them', async () => {
    const { model } = await load();
    const requests = [callerOf('a', 1_000), callerOf('b', 60_000)].map((caller) => ({ ...caller, rows: 1 }));
    fake.onInfer = (call) => call.reply(taggedReply);
    const batch: BatchContext = { requests, signal: new AbortController().signal };
    await model.infer?.({ x: fp32.of([2], [1, 2]) }, batch);
    const [call] = fake.inferences;
    expect(call?.request.id ?? '').toBe('');
    expect(call?.request.parameters).toEqual({ p: { int64_param: 1 } });
    const [, amount, unit] = /^(\d+)([mSun]+)$/.exec(String(call?.headers['grpc-timeout'])) ?? [];
    expect(Number(amount) * (unit === 'S' ? 1_000 : 1)).toBeGreaterThan(30_000);
    for (const { response } of requests) expect(response.parameters).toEqual(new Map([['tag', 1]]));
    await model.unload?.();
  });
});

describe('the outputs of a batch', () => {
  it.each([
    [
      [['y'], ['y', 'z']],
      ['y', 'z'],
    ],
    [[['y'], undefined], []],
  ])('are those that any of its callers wants: %j', (wanted, expected) => {
    const requests = wanted.map((outputs) => ({ ...callerOf('a'), rows: 1, outputs }));
    expect(wantedOutputs({ requests, signal: new AbortController().signal })).toEqual(expected);
  });
});

const callerOf = (id: string, ms = 10_000): InferContext => ({
  id,
  signal: new AbortController().signal,
  deadline: Date.now() + ms,
  parameters: new Map<string, ParameterValue>([['p', 1]]),
  principal: undefined,
  response: { parameters: new Map() },
});

const taggedReply = encodeModelInferResponse({
  model: 'm',
  version: '1',
  id: '',
  parameters: new Map([['tag', 1]]),
  outputs: [{ name: 'y', tensor: fp32.of([2], [1, 2]) }],
});

import { status as Status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { serve, type TestServer } from '#testing';
import { fp32 } from '../../src/core/tensor/kinds.js';
import { encodeModelInferResponse } from '../../src/protocol/grpc/codec/infer-response.js';
import { encodeModelStreamInferResponse } from '../../src/protocol/grpc/codec/stream-response.js';
import { Deferred } from '../../src/testing/deferred.js';
import { bytesReply, echoReply, type FakeCall, FakeUpstream } from '../support/fake-upstream.js';
import { loadRemote } from '../support/remote-models.js';
import { inferOver, onlyOutput, toMessage, WIRES } from '../support/wires.js';
import { expectService, Probe } from './survives.js';

/** F62: an upstream of remote models that fails. A60, A61: what callers cannot make of one. */

const FAILURES = 4;
const PATIENCE_MS = 1_000;

const CONFIGURATION = {
  REMOTE_BREAKER_FAILURES: String(FAILURES),
  REMOTE_BREAKER_OPEN_MS: '50',
  REMOTE_METADATA_TIMEOUT_MS: String(PATIENCE_MS),
};

let upstream: FakeUpstream;
let server: TestServer;

const serveWith = (environment: Readonly<Record<string, string>>): Promise<TestServer> =>
  serve([Probe], {
    environment: { ...CONFIGURATION, REMOTE_UPSTREAMS: `up=127.0.0.1:${upstream.port}`, ...environment },
  });

beforeEach(async () => {
  upstream = await FakeUpstream.listen();
  server = await serveWith({});
  await loadRemote(server, 'm', { upstream: 'up' });
});

afterEach(async () => {
  await expectService(server);
  await server.close();
  await upstream[Symbol.asyncDispose]();
});

const request = {
  model: 'm',
  inputs: [{ name: 'x', datatype: 'FP32', shape: [2], raw: Buffer.from(Float32Array.of(1, 2).buffer) }],
};

const infer = () => inferOver.grpc(server, request);

const expectAnswer = async (): Promise<void> =>
  expect(onlyOutput(await infer()).raw).toEqual(Buffer.from(Float32Array.of(1, 2).buffer));

const isReady = async (): Promise<boolean> => {
  const [{ ready: model = false }, { ready: whole = false }] = await Promise.all([
    server.grpc.call<{ ready?: boolean }>('ModelReady', { name: 'm' }),
    server.grpc.call<{ ready?: boolean }>('ServerReady'),
  ]);
  expect(model).toBe(whole);
  return model;
};

const respond = (name: string, tensor: ReturnType<typeof fp32.of>, ...more: string[]): Buffer => {
  const outputs = [name, ...more].map((each) => ({ name: each, tensor }));
  return encodeModelInferResponse({ model: 'm', version: '1', id: '', parameters: new Map(), outputs });
};

describe('F62: an upstream that refuses', () => {
  it('is unavailable, without its address; the model is not ready until it is back, and refused meanwhile', async () => {
    const { port } = upstream;
    await upstream.close();
    // One call, and its three repeats.
    expect(await infer()).toMatchObject({ status: 'UNAVAILABLE', message: "upstream 'up' cannot be reached" });
    expect(await isReady()).toBe(false);
    const refused = {
      message: "model 'm' is not ready: calls to upstream 'up' fail: upstream 'up' cannot be reached",
    };
    expect(await infer()).toMatchObject({ status: 'UNAVAILABLE', ...refused });
    expect(await inferOver.rest(server, request)).toMatchObject({ status: 503, ...refused });
    upstream = await FakeUpstream.listen(port);
    await vi.waitFor(async () => expect(await isReady()).toBe(true), { timeout: 10_000 });
    await expectAnswer();
  });

  it('is not ready as long as it says that the model is not', async () => {
    upstream.onInfer = (call) => call.end(Status.UNAVAILABLE, 'no room');
    upstream.ready = false;
    await Promise.all(Array.from({ length: FAILURES }, infer));
    expect(await isReady()).toBe(false);
    const before = upstream.inferences.length;
    expect(await infer()).toMatchObject({
      status: 'UNAVAILABLE',
      message: "model 'm' is not ready: calls to upstream 'up' fail: no room",
    });
    // Nothing but probes goes there.
    expect(upstream.inferences).toHaveLength(before);
    upstream.ready = true;
    upstream.onInfer = (call) => call.reply(echoReply(call.request));
    await vi.waitFor(async () => expect(await isReady()).toBe(true), { timeout: 10_000 });
    await expectAnswer();
  });
});

describe('F62: an upstream that breaks off', () => {
  it('by a closed connection, once: the call is repeated', async () => {
    upstream.onInfer = (call) =>
      upstream.inferences.length === 1 ? call.session.destroy() : call.reply(echoReply(call.request));
    await expectAnswer();
    expect(upstream.inferences).toHaveLength(2);
  });

  it('by GOAWAY amid the call, once: the call is repeated', async () => {
    upstream.onInfer = (call) => {
      if (upstream.inferences.length > 1) return call.reply(echoReply(call.request));
      call.session.goaway(0, 0);
      call.session.destroy();
    };
    await expectAnswer();
    expect(upstream.inferences).toHaveLength(2);
  });

  it('by GOAWAY, and finishes the call: it is answered', async () => {
    upstream.onInfer = (call) => {
      call.session.goaway(0);
      call.reply(echoReply(call.request));
    };
    await expectAnswer();
    await expectAnswer();
    expect(upstream.inferences).toHaveLength(2);
  });

  it('always: it is unavailable, after a bounded number of attempts', async () => {
    upstream.onInfer = (call) => call.session.destroy();
    expect(await infer()).toMatchObject({ status: 'UNAVAILABLE', message: "upstream 'up' cannot be reached" });
    expect(upstream.inferences.length).toBeGreaterThan(1);
    expect(upstream.inferences.length).toBeLessThanOrEqual(4);
  });

  it('by a reset: it is internal, and not repeated; some of them open the breaker', async () => {
    upstream.ready = false;
    upstream.onInfer = (call) => call.stream.close(2);
    expect(await infer()).toMatchObject({
      status: 'INTERNAL',
      message: "upstream 'up' broke the call off: Received RST_STREAM with code 2 (Internal server error)",
    });
    expect(upstream.inferences).toHaveLength(1);
    expect(await isReady()).toBe(true);
    for (let rest = FAILURES - 1; rest > 0; rest--) await infer();
    expect(await isReady()).toBe(false);
  });

  it('amid a sequence: nobody knows whether the step was taken, so it is not repeated', async () => {
    upstream.onInfer = (call) => call.session.destroy();
    const step = { ...request, parameters: { sequence_id: 'abc' } };
    expect(await inferOver.grpc(server, step)).toMatchObject({ status: 'UNAVAILABLE' });
    expect(upstream.inferences).toHaveLength(1);
  });

  it('amid a stream: what was answered stays, and nothing is repeated', async () => {
    await loadRemote(server, 'd', { upstream: 'up', model: 'm', decoupled: true });
    upstream.onInfer = (call) => {
      const response = { model: 'm', version: '1', id: '', parameters: new Map(), outputs: [] };
      const outputs = [{ name: 'y', tensor: fp32.of([1], [7]) }];
      call.write(encodeModelStreamInferResponse({ error: '', response: { ...response, outputs } }));
      call.end(Status.UNAVAILABLE, 'gone');
    };
    const stream = server.grpc.duplex('ModelStreamInfer');
    stream.end(toMessage({ ...request, model: 'd' }));
    const replies: unknown[] = [];
    for await (const reply of stream) replies.push(reply);
    expect(replies).toMatchObject([
      { infer_response: { raw_output_contents: [Buffer.from(Float32Array.of(7).buffer)] } },
      { error_message: 'gone' },
    ]);
    expect(upstream.inferences).toHaveLength(1);
  });
});

it('F62: repeats stay within their budget', async () => {
  await using flooding = await serveWith({ REMOTE_BREAKER_FAILURES: '100000', REMOTE_RETRY_BUDGET: '20' });
  await loadRemote(flooding, 'm', { upstream: 'up' });
  upstream.onInfer = (call) => call.end(Status.UNAVAILABLE, 'no room');
  const answers = await Promise.all(Array.from({ length: 100 }, () => inferOver.grpc(flooding, request)));
  for (const answer of answers) expect(answer).toMatchObject({ status: 'UNAVAILABLE', message: 'no room' });
  const repeats = upstream.inferences.length - 100;
  // A fifth of the calls, and the burst of ten that a fresh budget holds.
  expect(repeats).toBeGreaterThan(0);
  expect(repeats).toBeLessThanOrEqual(30);
});

describe('F62: an upstream that hangs', () => {
  it('is given up at the deadline, and told so', async () => {
    const cancelled = new Deferred<number>();
    upstream.onInfer = ({ stream }) => stream.on('close', () => cancelled.resolve(stream.rstCode));
    const call = server.grpc.call('ModelInfer', toMessage(request), { deadlineMs: 100 });
    await expect(call).rejects.toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    // CANCEL
    expect(await cancelled.promise).toBe(8);
    // So short a deadline is the caller's own doing.
    for (let rest = FAILURES; rest > 0; rest--) {
      await server.grpc.call('ModelInfer', toMessage(request), { deadlineMs: 5 }).catch(() => undefined);
    }
    expect(await isReady()).toBe(true);
  });

  it('is not ready after some calls that it had time for, and ready again by itself', async () => {
    upstream.ready = false;
    upstream.onInfer = () => undefined;
    const hanging = (): Promise<unknown> =>
      server.grpc.call('ModelInfer', toMessage(request), { deadlineMs: PATIENCE_MS + 200 }).catch(() => undefined);
    await Promise.all(Array.from({ length: FAILURES }, hanging));
    await vi.waitFor(async () => expect(await isReady()).toBe(false));
    upstream.ready = true;
    await vi.waitFor(async () => expect(await isReady()).toBe(true), { timeout: 10_000 });
  });

  it('at its metadata fails the load, in time', async () => {
    upstream.answers = false;
    await using hurried = await serveWith({ REMOTE_METADATA_TIMEOUT_MS: '150' });
    await expect(loadRemote(hurried, 'h', { upstream: 'up' })).rejects.toThrow(
      "upstream 'up' cannot serve model 'h': Deadline Exceeded",
    );
  });
});

describe('F62: an upstream that answers with garbage', () => {
  it.each<[string, (call: FakeCall) => void, string]>([
    ['bytes that are no message', (call) => call.reply(Buffer.from([0x0a, 200, 1])), 'reaches past the end'],
    ['no message', (call) => call.reply(Buffer.alloc(0)), "output 'y' is missing"],
    ['another datatype', (call) => call.reply(bytesReply('y')), "output 'y' is BYTES, its metadata says FP32"],
    ['another rank', (call) => call.reply(respond('y', fp32.of([1, 1], [1]))), "output 'y' is of shape [1,1]"],
    ['another output', (call) => call.reply(respond('z', fp32.of([1], [1]))), "'z' is not an output of its metadata"],
    ['an output twice', (call) => call.reply(respond('y', fp32.of([1], [1]), 'y')), "output 'y' stands there twice"],
    [
      'too few bytes',
      (call) => call.reply(Buffer.from([...respond('y', fp32.of([2], [0, 0])).subarray(0, -10), 0x32, 3, 0, 0, 0])),
      "the contents of output 'y' are no FP32 of shape [2]",
    ],
  ])('%s', async (_, answer, what) => {
    upstream.onInfer = answer;
    const { status, message } = await infer();
    expect(status).toBe('INTERNAL');
    expect(message).toContain("upstream 'up' gave a broken answer for model 'm': ");
    expect(message).toContain(what);
    expect(upstream.inferences).toHaveLength(1);
    expect(await isReady()).toBe(true);
  });

  it.each<[string, (call: FakeCall) => void, string]>([
    [
      'a page of another server',
      ({ stream }) => {
        stream.respond({ ':status': 404, 'content-type': 'text/html' });
        stream.end('<html>');
      },
      'UNIMPLEMENTED',
    ],
    ['more than it may', (call) => call.reply(Buffer.alloc(2_000)), 'RESOURCE_EXHAUSTED'],
    ['nothing, and no status', ({ stream }) => stream.respond({ ':status': 200 }, { endStream: true }), 'UNKNOWN'],
  ])('%s', async (_, answer, status) => {
    await using small = await serveWith({ REMOTE_MAX_MESSAGE_BYTES: '1000' });
    await loadRemote(small, 'm', { upstream: 'up' });
    upstream.onInfer = answer;
    const expected = status === 'UNKNOWN' ? 'INTERNAL' : status;
    expect(await inferOver.grpc(small, request)).toMatchObject({ status: expected });
    expect(upstream.inferences).toHaveLength(1);
  });
});

describe('F62: the status of an upstream', () => {
  const statuses = Object.entries(Status).filter(([, code]) => typeof code === 'number' && code !== Status.OK);
  const UNKNOWN_ONES = ['UNKNOWN', 'ABORTED', 'OUT_OF_RANGE', 'DATA_LOSS'];

  it.each(statuses)('%s comes through, with its text', async (name, code) => {
    upstream.onInfer = (call) => call.end(code as number, `text of "${name}"`);
    expect(await infer()).toMatchObject({
      status: UNKNOWN_ONES.includes(name) ? 'INTERNAL' : name,
      message: `text of "${name}"`,
    });
  });
});

describe('A60: where a model runs', () => {
  it.each([
    'http://169.254.169.254/latest',
    '127.0.0.1:1',
    '[::ffff:127.0.0.1]:8001',
    'file:///etc/passwd',
    'dns:///internal:8001',
    'gopher://localhost:70',
    '__proto__',
  ])('is not for a configuration to say: %s is no configured name', async (address) => {
    const connections = upstream.sessions.size;
    await expect(loadRemote(server, 'evil', { upstream: address })).rejects.toThrow(
      `upstream '${address}' is not configured: use one of REMOTE_UPSTREAMS (there is up), or add it there`,
    );
    expect(upstream.sessions.size).toBe(connections);
  });

  it('is not for a request to say', async () => {
    const parameters = { upstream: '127.0.0.1:1', model: 'other', version: '9' };
    await inferOver.grpc(server, { ...request, parameters });
    const [call] = upstream.inferences;
    expect(call?.request).toMatchObject({ model_name: 'm', parameters: { upstream: { string_param: '127.0.0.1:1' } } });
    expect(call?.request.model_version ?? '').toBe('');
  });
});

describe('A61: what an upstream is told of the caller', () => {
  const SECRETS = {
    authorization: 'Bearer secret-token',
    cookie: 'session=secret',
    'x-api-key': 'secret-key',
    'x-forwarded-for': '10.0.0.1',
    'proxy-authorization': 'Basic c2VjcmV0',
  };

  /** Metadata whose keys end so holds bytes. */
  const BINARY = { 'x-auth-bin': Buffer.from('secret') as never };

  const OWN_HEADERS = [
    ':authority',
    ':method',
    ':path',
    ':scheme',
    'accept-encoding',
    'content-type',
    'grpc-accept-encoding',
    'grpc-timeout',
    'te',
    'user-agent',
    'x-request-id',
  ];

  it.each(WIRES)('is none of the headers, over %s', async (wire) => {
    if (wire === 'grpc')
      await server.grpc.call('ModelInfer', toMessage(request), { metadata: { ...SECRETS, ...BINARY } });
    else
      await server.rest.post(
        '/v2/models/m/infer',
        { inputs: [{ name: 'x', datatype: 'FP32', shape: [1], data: [1] }] },
        SECRETS,
      );
    const [call] = upstream.inferences;
    expect(Object.keys(call?.headers ?? {}).sort()).toEqual(OWN_HEADERS);
    expect(JSON.stringify(call?.headers)).not.toContain('secret');
  });

  it.each(['a\r\nauthorization: Bearer x', 'ключ', 'a b', 'x'.repeat(200)])(
    'is an id of any text in the message, and in no header unless it is safe there: %j',
    async (id) => {
      await inferOver.grpc(server, { ...request, id });
      const [call] = upstream.inferences;
      expect(call?.request.id).toBe(id);
      expect(call?.headers).not.toHaveProperty('x-request-id');
      expect(call?.headers).not.toHaveProperty('authorization');
    },
  );
});

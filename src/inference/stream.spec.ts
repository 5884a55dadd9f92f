import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fp32, int32, Model, ServingError, signature, type InferContext, type Inputs } from '#core';
import { defineModel, serve, type TestServer } from '#testing';
import { grpcFrame, openSession, openStream, outcomeOf, STREAM } from '../../test/support/http2-call.js';
import { callRaw, encodeMessage } from '../../test/support/raw-rpc.js';
import { loadContracts } from '../protocol/grpc/contracts.js';
import { Deferred } from '../testing/deferred.js';

const values = signature({ inputs: { x: int32(-1) }, outputs: { y: int32(-1) } });

/** Doubles at once, but for a value that waits until a test opens its gate. */
const gates = new Map<number, Deferred>();
const started: number[] = [];
const doubler = defineModel('doubler', values, async ({ x }) => {
  started.push(x.data[0] ?? 0);
  await gates.get(x.data[0] ?? 0)?.promise;
  return { y: x.map((value) => value * 2) };
});

const refusing = defineModel('refusing', values, () => {
  throw new ServingError('failed-precondition', 'not today');
});

const broken = defineModel('broken', values, () => {
  throw new Error('the password is hunter2');
});

/** One response for each value; notes how far it came, and whether it was ended. */
const progress = { yielded: 0, ended: new Deferred(), aborted: false };

@Model('repeat', values)
class RepeatModel {
  async *stream({ x }: Inputs<typeof values>, { signal }: InferContext) {
    try {
      for (const value of x.data) {
        progress.yielded++;
        if (value < 0) throw new ServingError('invalid-argument', `${value} is negative`);
        await Promise.race([gates.get(value)?.promise, once(signal, 'abort')]);
        yield { y: int32.of([1], [value]) };
      }
    } finally {
      progress.aborted = signal.aborted;
      progress.ended.resolve();
    }
  }
}

const large = signature({ inputs: { count: int32(1) }, outputs: { y: fp32(-1) } });

@Model('flood', large)
class FloodModel {
  *stream({ count }: Inputs<typeof large>) {
    try {
      for (let index = 0; index < (count.data[0] ?? 0); index++) {
        progress.yielded++;
        yield { y: fp32.of([65_536], new Float32Array(65_536)) };
      }
    } finally {
      progress.ended.resolve();
    }
  }
}

let server: TestServer;

beforeAll(async () => {
  server = await serve([doubler, refusing, broken, RepeatModel, FloodModel]);
});

afterAll(() => server.close());

beforeEach(() => {
  gates.clear();
  progress.yielded = 0;
  progress.ended = new Deferred();
});

interface Reply {
  readonly error_message?: string;
  readonly infer_response?: {
    readonly id?: string;
    readonly model_name?: string;
    readonly parameters?: Record<string, { readonly bool_param?: boolean }>;
    readonly outputs?: readonly { readonly name: string }[];
    readonly raw_output_contents?: readonly Buffer[];
  };
}

const request = (model_name: string, id: string, data: readonly number[], parameters = {}) => ({
  model_name,
  id,
  parameters,
  inputs: [{ name: 'x', datatype: 'INT32', shape: [data.length], contents: { int_contents: data } }],
});

/** What a client sees of a stream: its replies, and how it ended. */
function open(metadata: Record<string, string> = {}, target = server) {
  const call = target.grpc.duplex('ModelStreamInfer', { metadata });
  const replies: Reply[] = [];
  const waiting: { readonly count: number; readonly reached: Deferred }[] = [];
  call.on('data', (reply: Reply) => {
    replies.push(reply);
    for (const { count, reached } of waiting) if (replies.length >= count) reached.resolve();
  });
  call.on('error', () => undefined);
  const ended = new Promise<{ code: number; details: string }>((resolve) => call.on('status', resolve));
  const received = (count: number): Promise<void> => {
    const reached = new Deferred();
    waiting.push({ count, reached });
    if (replies.length >= count) reached.resolve();
    return reached.promise;
  };
  return { call, replies, ended, received };
}

const seen = ({ error_message, infer_response }: Reply) => ({
  id: infer_response?.id,
  ...(error_message ? { error: error_message } : {}),
  value: infer_response?.raw_output_contents?.[0]?.readInt32LE(0),
  final: infer_response?.parameters?.['triton_final_response']?.bool_param,
});

describe('ModelStreamInfer', () => {
  it('answers models of one response in the order of the requests', async () => {
    const { call, replies, ended } = open();
    gates.set(1, new Deferred());
    call.write(request('doubler', 'first', [1]));
    call.write(request('doubler', 'second', [2]));
    call.write(request('nope', 'third', [3]));
    call.write(request('doubler', 'fourth', [4]));
    call.end();
    await server.grpc.call('ServerLive');
    expect(replies).toEqual([]);
    gates.get(1)?.resolve();
    expect((await ended).code).toBe(status.OK);
    expect(replies.map(seen)).toEqual([
      { id: 'first', value: 2, final: true },
      { id: 'second', value: 4, final: true },
      { id: 'third', error: "Request for unknown model: 'nope' is not found", value: undefined, final: true },
      { id: 'fourth', value: 8, final: true },
    ]);
  });

  it('sends the responses of a decoupled model as they come, with an empty end when asked', async () => {
    const { call, replies, ended } = open();
    call.write(request('repeat', 'a', [7, 8]));
    call.write(request('repeat', 'b', [9], { triton_enable_empty_final_response: { bool_param: true } }));
    call.write(request('repeat', 'c', []));
    call.end();
    expect((await ended).code).toBe(status.OK);
    const of = (id: string) => replies.map(seen).filter((reply) => reply.id === id);
    expect(of('a')).toEqual([
      { id: 'a', value: 7, final: false },
      { id: 'a', value: 8, final: false },
    ]);
    expect(of('b')).toEqual([
      { id: 'b', value: 9, final: false },
      { id: 'b', value: undefined, final: true },
    ]);
    expect(of('c')).toEqual([]);
  });

  it('lets a decoupled request overtake one that waits', async () => {
    const { call, replies, received, ended } = open();
    gates.set(1, new Deferred());
    call.write(request('doubler', 'slow', [1]));
    call.write(request('repeat', 'fast', [5]));
    await received(1);
    expect(replies.map(seen)).toEqual([{ id: 'fast', value: 5, final: false }]);
    gates.get(1)?.resolve();
    call.end();
    await ended;
    expect(replies).toHaveLength(2);
  });

  it('tells errors in replies and goes on, without the causes of others', async () => {
    const { call, replies, ended } = open();
    call.write(request('refusing', '1', [1]));
    call.write(request('broken', '2', [1]));
    call.write({ model_name: 'doubler', id: '3', inputs: [] });
    call.write(request('repeat', '4', [6, -1]));
    call.write(request('doubler', '5', [5]));
    call.end();
    expect((await ended).code).toBe(status.OK);
    const errors = new Map(replies.map(seen).map(({ id, error }) => [id, error]));
    expect(errors.get('1')).toBe('not today');
    expect(errors.get('2')).toBe("model 'broken' failed to execute the request");
    expect(errors.get('3')).toMatch(/^expected 1 inputs but got 0 inputs/);
    expect(errors.get('4')).toBe('-1 is negative');
    expect(errors.get('5')).toBeUndefined();
  });

  it('ends with the status of the first error when the client asked for statuses', async () => {
    const { call, replies, ended } = open({ triton_grpc_error: 'true' });
    call.write(request('doubler', 'good', [1]));
    call.write(request('refusing', 'bad', [1]));
    expect(await ended).toMatchObject({ code: status.FAILED_PRECONDITION, details: 'not today' });
    expect(replies.map(seen)).toEqual([{ id: 'good', value: 2, final: true }]);
  });

  it('F44 ends in peace when nothing is sent at all', async () => {
    const { call, replies, ended } = open();
    call.end();
    expect((await ended).code).toBe(status.OK);
    expect(replies).toEqual([]);
  });

  it('aborts what runs when the client cancels', async () => {
    const { call, received } = open();
    gates.set(2, new Deferred());
    call.write(request('repeat', 'a', [1, 2]));
    await received(1);
    call.cancel();
    await progress.ended.promise;
    expect(progress.aborted).toBe(true);
  });

  it('F43 pauses a producer whose responses nobody reads, and goes on when they are read', async () => {
    const session = openSession(server);
    try {
      const call = openStream(session, STREAM).pause();
      const outcome = outcomeOf(call);
      const count = { name: 'count', datatype: 'INT32', shape: [1], contents: { int_contents: [100] } };
      call.end(grpcFrame(encodeMessage('ModelStreamInfer', { model_name: 'flood', inputs: [count] })));
      let before = -1;
      while (before !== progress.yielded || before === 0) {
        before = progress.yielded;
        for (let round = 0; round < 50; round++) await server.grpc.call('ServerLive');
      }
      // 100 responses are 25 MiB; the windows and buffers in between hold a part of them.
      expect(before).toBeLessThan(50);
      let bytes = 0;
      call.on('data', (part: Buffer) => (bytes += part.length)).resume();
      expect(await outcome).toMatchObject({ status: 'OK' });
      expect(bytes).toBeGreaterThan(100 * 65_536 * 4);
    } finally {
      session.destroy();
    }
  });

  it('F43 ends a stream that stays unread beyond its bound', async () => {
    await using impatient = await serve([FloodModel], { environment: { STREAM_STALL_MS: '500' } });
    // The client of grpc-js takes what comes, and keeps it, also while it is paused.
    const session = openSession(impatient);
    try {
      const call = openStream(session, STREAM).pause();
      const outcome = outcomeOf(call);
      const count = { name: 'count', datatype: 'INT32', shape: [1], contents: { int_contents: [2_000] } };
      call.write(grpcFrame(encodeMessage('ModelStreamInfer', { model_name: 'flood', inputs: [count] })));
      await progress.ended.promise;
      expect(progress.yielded).toBeLessThan(100);
      call.resume().end();
      expect(await outcome).toMatchObject({
        status: 'RESOURCE_EXHAUSTED',
        details: expect.stringContaining('took no reply for 500 ms') as string,
      });
    } finally {
      session.destroy();
    }
  });

  it('works on no more requests at a time than it may', async () => {
    await using narrow = await serve([doubler], { environment: { STREAM_MAX_IN_FLIGHT: '2' } });
    const { call, replies, ended } = open({}, narrow);
    for (const value of [1, 2, 3]) gates.set(value, new Deferred());
    started.length = 0;
    for (const value of [1, 2, 3]) call.write(request('doubler', String(value), [value]));
    call.end();
    for (let round = 0; round < 20; round++) await narrow.grpc.call('ServerLive');
    expect(started).toEqual([1, 2]);
    for (const gate of gates.values()) gate.resolve();
    await ended;
    expect(replies.map((reply) => seen(reply).id)).toEqual(['1', '2', '3']);
  });
});

it('a decoupled model is refused by ModelInfer and by REST, with the way to call it', async () => {
  await expect(server.grpc.call('ModelInfer', request('repeat', '', [1]))).rejects.toMatchObject({
    code: status.UNIMPLEMENTED,
    details: expect.stringContaining('ModelStreamInfer') as string,
  });
  const body = { inputs: [{ name: 'x', datatype: 'INT32', shape: [1], data: [1] }] };
  expect((await server.rest.post('/v2/models/repeat/infer', body)).status).toBe(501);
});

describe("ModelStreamInfer in MLServer's dialect", () => {
  const PATH = '/inference.GRPCInferenceService/ModelStreamInfer';
  const decode = (reply: Buffer): NonNullable<Reply['infer_response']> =>
    (
      loadContracts()['inference.GRPCInferenceService'] as unknown as {
        ModelInfer: { responseDeserialize(bytes: Buffer): NonNullable<Reply['infer_response']> };
      }
    ).ModelInfer.responseDeserialize(reply);
  const stream = async (messages: readonly object[], dialect?: string, target = server) => {
    const sent = messages.map((message) => encodeMessage('ModelInfer', message));
    const outcome = await callRaw(target, PATH, sent, dialect === undefined ? {} : { 'x-oip-stream-dialect': dialect });
    const { status: code, details, replies } = outcome;
    return { code, details, replies: replies.map((bytes) => told(decode(bytes))) };
  };
  const told = ({ model_name, id, parameters, raw_output_contents }: NonNullable<Reply['infer_response']>) => ({
    model: model_name,
    id,
    parameters: parameters ?? {},
    value: raw_output_contents?.[0]?.readInt32LE(0),
  });

  it('answers with bare responses of the model of the first message, and its id', async () => {
    const { inputs } = request('', '', [5]);
    const answered = await stream([request('doubler', 'a', [4]), { inputs }, { inputs, id: 'b' }], 'mlserver');
    const head = { model: 'doubler', parameters: {} };
    expect(answered).toEqual({
      code: 'OK',
      details: 'OK',
      replies: [
        { ...head, id: 'a', value: 8 },
        { ...head, id: 'a', value: 10 },
        { ...head, id: 'b', value: 10 },
      ],
    });
  });

  it('answers with every response of a decoupled model, and no mark on the last', async () => {
    const parameters = { triton_enable_empty_final_response: { bool_param: true } };
    const { replies } = await stream([request('repeat', 'r', [1, 2, 3], parameters)], 'mlserver');
    expect(replies).toEqual([1, 2, 3].map((value) => ({ model: 'repeat', id: 'r', parameters: {}, value })));
  });

  it('ends with the status of the first error', async () => {
    expect(await stream([request('nope', '', [1])], 'mlserver')).toEqual({
      code: 'NOT_FOUND',
      details: "Request for unknown model: 'nope' is not found",
      replies: [],
    });
    const refused = await stream([request('repeat', 'r', [1, -1]), request('repeat', 'r', [9])], 'mlserver');
    expect(refused).toMatchObject({ code: 'INVALID_ARGUMENT', details: '-1 is negative', replies: [{ value: 1 }] });
    const other = await stream([request('doubler', '', [1]), request('repeat', '', [1])], 'mlserver');
    expect(other).toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: expect.stringContaining("its first message names 'doubler', a later one 'repeat'") as string,
      replies: [{ value: 2 }],
    });
  });

  it('is the dialect of a server that is configured so, but for clients who ask for the other', async () => {
    await using mlserver = await serve(doubler, { environment: { STREAM_DIALECT: 'mlserver' } });
    expect((await stream([request('doubler', 'a', [4])], undefined, mlserver)).replies).toEqual([
      { model: 'doubler', id: 'a', parameters: {}, value: 8 },
    ]);
    const { call, replies, ended } = open({ 'x-oip-stream-dialect': 'triton' }, mlserver);
    call.end(request('doubler', 'a', [4]));
    await ended;
    expect(replies.map(seen)).toEqual([{ id: 'a', value: 8, final: true }]);
  });

  it('must be one that there is', async () => {
    expect(await stream([request('doubler', '', [1])], 'seldon')).toEqual({
      code: 'INVALID_ARGUMENT',
      details: "metadata x-oip-stream-dialect: 'seldon' is no dialect: use one of triton, mlserver",
      replies: [],
    });
  });
});

describe('infer_stream', () => {
  const body = (data: readonly number[], more: object = {}) => ({
    inputs: [{ name: 'x', datatype: 'INT32', shape: [data.length], data }],
    ...more,
  });
  const post = (model: string, sent: object) => server.rest.post(`/v2/models/${model}/infer_stream`, sent);
  const answer = (model: string, value: number, id?: string) => ({
    ...(id === undefined ? {} : { id }),
    model_name: model,
    model_version: '1',
    outputs: [{ name: 'y', datatype: 'INT32', shape: [1], data: [value] }],
  });
  const eventsOf = (bytes: Buffer): unknown[] => {
    const events = bytes.toString().split('\n\n');
    expect(events.pop()).toBe('');
    return events.map((event) => JSON.parse(event.replace(/^data: /, '')) as unknown);
  };

  it('sends an event for each response of any model', async () => {
    const reply = await post('repeat', body([7, 8], { id: 'a' }));
    expect([reply.status, reply.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect(eventsOf(reply.bytes)).toEqual([answer('repeat', 7, 'a'), answer('repeat', 8, 'a')]);
    expect(eventsOf((await post('doubler', body([4]))).bytes)).toEqual([answer('doubler', 8)]);
  });

  it('answers with a status until the first response, and with an event from then on', async () => {
    const early = await post('repeat', body([-1]));
    expect([early.status, early.json]).toEqual([400, { error: '-1 is negative' }]);
    const late = await post('repeat', body([5, -1]));
    expect(eventsOf(late.bytes)).toEqual([answer('repeat', 5), { error: '-1 is negative' }]);
  });

  it.each([
    ['the request', { parameters: { binary_data_output: true } }],
    ['an output', { outputs: [{ name: 'y', parameters: { binary_data: true } }] }],
  ])('refuses binary data that %s asks for', async (_, more) => {
    const reply = await post('repeat', body([1], more));
    expect([reply.status, reply.json]).toEqual([
      400,
      { error: expect.stringContaining('no binary outputs') as string },
    ]);
  });

  it('F34 aborts the model when the caller leaves', async () => {
    const caller = new AbortController();
    gates.set(2, new Deferred());
    const reply = await fetch(`${server.rest.url}/v2/models/repeat/infer_stream`, {
      method: 'POST',
      body: JSON.stringify(body([1, 2])),
      signal: caller.signal,
    });
    await reply.body?.getReader().read();
    caller.abort();
    await progress.ended.promise;
    expect(progress.aborted).toBe(true);
  });
});

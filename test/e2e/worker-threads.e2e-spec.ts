import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { serve } from '#testing';
import { ModelRegistry } from '../../src/engine/registry/model-registry.js';
import { BuiltServer } from '../support/built-server.js';
import { FixtureRepository } from '../support/fixture-repository.js';
import { type Answer, inferOver, type SentInference, WIRES } from '../support/wires.js';

const ROOT = join(import.meta.dirname, '../..');
const SAMPLES = join(ROOT, 'model-repository');

interface HoldOut {
  readonly shape: readonly number[];
  readonly x: readonly number[];
  readonly pred: readonly number[];
}

const holdOut = (name: string): HoldOut =>
  JSON.parse(readFileSync(join(ROOT, `test/fixtures/${name}.holdout.json`), 'utf8')) as HoldOut;

/** The helpers of the wires take what has a client for each of them. */
const over = (wire: 'grpc' | 'rest', server: BuiltServer, request: SentInference): Promise<Answer> =>
  inferOver[wire](server as never, request);

const vector = (model: string, data: readonly number[]): SentInference => ({
  model,
  inputs: [{ name: 'x', datatype: 'FP32', shape: [data.length], data }],
});

const place = (model: string, path: string): SentInference => ({
  model,
  inputs: [{ name: 'path', datatype: 'BYTES', shape: [1], data: [path] }],
});

const placeMessage = (model: string, path: string): object => ({
  model_name: model,
  inputs: [{ name: 'path', datatype: 'BYTES', shape: ['1'], contents: { bytes_contents: [Buffer.from(path)] } }],
});

const floats = (raw: Buffer | undefined): number[] =>
  raw === undefined ? [] : Array.from({ length: raw.length / 4 }, (_, index) => raw.readFloatLE(index * 4));

async function isReady(server: BuiltServer, path = ''): Promise<boolean> {
  return (await server.rest.get(`/v2${path}${path === '' ? '/health' : ''}/ready`)).status === 200;
}

describe('models in worker threads', () => {
  let server: BuiltServer;
  let repository: FixtureRepository;

  beforeAll(async () => {
    const models = [
      'Double',
      'Busy',
      'Patient',
      'Listening',
      'Mortal',
      'Failing',
      'Traps',
      'Keeping',
      'Echo',
      'Counter',
    ];
    repository = await FixtureRepository.of([]);
    server = await BuiltServer.start(models, {
      MODEL_REPOSITORY: `${repository.path},${SAMPLES}`,
      ONNX_EXECUTION: 'threads',
    });
  });

  afterAll(async () => {
    server.kill('SIGTERM');
    expect(await server.ended).toBe(0);
    await server[Symbol.asyncDispose]();
    await repository[Symbol.asyncDispose]();
  });

  it('are ready, and run in threads', async () => {
    expect(new Set(Object.values(server.states))).toEqual(new Set(['ready']));
    expect(new Set(Object.values(server.places))).toEqual(new Set(['WorkerThreadsExecutor']));
    expect(await isReady(server)).toBe(true);
  });

  it.runIf(process.platform === 'linux')('stand back for the event loop', () => {
    const lower = server.threadPriorities.filter((nice) => nice === 10);
    expect(lower.length).toBeGreaterThanOrEqual(Object.keys(server.states).length);
  });

  it.each(WIRES)('answer over %s', async (wire) => {
    const { outputs } = await over(wire, server, {
      ...vector('double', [1, 2.5, -3]),
      id: 'i-1',
      parameters: { p: 'v' },
    });
    const [y] = outputs;
    expect(y).toMatchObject({ name: 'y', datatype: 'FP32', shape: [3] });
    expect(y?.data ?? floats(y?.raw)).toEqual([2, 5, -6]);
  });

  it('see the call, and set parameters of the response', async () => {
    const { reply } = await over('rest', server, { ...vector('double', [1]), id: 'i-1', parameters: { p: 'v' } });
    const { parameters } = reply as { parameters: { thread: number; seen: string } };
    expect(parameters.seen).toBe('double 1 false warm,i-1,v,,true');
    expect(parameters.thread).toBeGreaterThan(0);
  });

  it('run on as many instances as they have threads', async () => {
    const threads = new Set<unknown>();
    for (let round = 0; threads.size < 2; round++) {
      expect(round).toBeLessThan(100);
      const replies = await Promise.all([1, 2, 3, 4].map(() => over('rest', server, vector('double', [1]))));
      for (const { reply } of replies) threads.add((reply as { parameters: { thread: number } }).parameters.thread);
    }
    expect(threads.size).toBe(2);
  });

  it.each(WIRES)('leave the event loop free: others are answered while one computes, over %s', async (wire) => {
    const running = over(wire, server, place('busy', `busy-${wire}`));
    await server.found(`busy-${wire}.started`);
    expect(await isReady(server)).toBe(true);
    expect((await over(wire, server, vector('double', [1]))).message).toBe('');
    await server.leave(`busy-${wire}`);
    expect((await running).outputs).toHaveLength(1);
  });

  it('stop in a loop that never gives way when the caller is gone, and serve on', async () => {
    const gone = new AbortController();
    const running = server.grpc.call('ModelInfer', placeMessage('patient', 'p-1'), { signal: gone.signal });
    await server.found('p-1.started');
    gone.abort();
    await expect(running).rejects.toMatchObject({ code: 1 });
    expect(await server.found('p-1.aborted')).toBe('cancelled true');
    const late = server.grpc.call('ModelInfer', placeMessage('patient', 'p-2'), { deadlineMs: 50 });
    await expect(late).rejects.toMatchObject({ code: 4 });
    expect(await server.found('p-2.aborted')).toMatch(/^(cancelled|deadline-exceeded) true$/);
  });

  it('hear the abort event', async () => {
    const gone = new AbortController();
    const running = server.grpc.call('ModelInfer', placeMessage('listening', 'l-1'), { signal: gone.signal });
    await server.found('l-1.started');
    gone.abort();
    await expect(running).rejects.toMatchObject({ code: 1 });
    expect(await server.found('l-1.aborted')).toBe('cancelled');
  });

  it('never see a request whose caller left the queue', async () => {
    const running = over('grpc', server, place('busy', 'first'));
    await server.found('first.started');
    const gone = new AbortController();
    const queued = server.grpc.call('ModelInfer', placeMessage('busy', 'second'), { signal: gone.signal });
    const last = over('grpc', server, place('busy', 'third'));
    // What is sent on one connection is read in order.
    await server.grpc.call('ServerLive');
    gone.abort();
    await expect(queued).rejects.toMatchObject({ code: 1 });
    await server.grpc.call('ServerLive');
    await server.leave('third');
    await server.leave('first');
    expect([(await running).status, (await last).status]).toEqual(['OK', 'OK']);
    expect(server.has('second.started')).toBe(false);
  });

  it.each([
    ['serving', 'FAILED_PRECONDITION', 'the index is being rebuilt'],
    ['other', 'INTERNAL', "model 'failing' failed to execute the request"],
    ['symbol', 'INTERNAL', "model 'failing' failed to execute the request"],
    ['nothing', 'INTERNAL', "model 'failing' returned no outputs"],
    ['number', 'INTERNAL', "model 'failing' returned no tensor for output 'y'"],
    ['extra', 'INTERNAL', "model 'failing' returned 'z', which is not an output of its signature"],
  ])('fail as they would beside the event loop: %s', async (kind, status, message) => {
    expect(await over('grpc', server, place('failing', kind))).toMatchObject({ status, message });
  });

  it('tell the log what they hide from callers, with the place in their code', async () => {
    await over('rest', server, place('failing', 'other'));
    await vi.waitFor(() => expect(server.output()).toMatch(/a secret of the model[\s\S]*models\.mjs/));
  });

  it.each([
    [0, [0], [0]],
    [1, [5, 5], [5]],
    [2, [0], Array.from({ length: 16_384 }, () => 0)],
    [3, [], []],
    [4, Array.from({ length: 32_768 }, () => 5), Array.from({ length: 16_384 }, () => 5)],
  ])('may return outputs that share memory, or share it with others: %i', async (kind, a, b) => {
    const { outputs, message } = await over('grpc', server, vector('traps', [kind]));
    expect(message).toBe('');
    expect(floats(outputs[0]?.raw)).toEqual(a);
    expect(floats(outputs[1]?.raw)).toEqual(b);
    expect(outputs[2]?.raw?.toString('latin1')).toBe(kind === 3 ? '' : '\x06\0\0\0pooled\x07\0\0\0buffers');
  });

  it('are told when they return what they have handed over, and live on', async () => {
    expect(floats((await over('grpc', server, vector('keeping', [1]))).outputs[0]?.raw)).toEqual([3]);
    expect(await over('grpc', server, vector('keeping', [1]))).toMatchObject({
      status: 'INTERNAL',
      message:
        "model 'keeping' returned output 'y' whose memory went over with an earlier response: return a fresh tensor",
    });
    expect(await isReady(server, '/models/keeping')).toBe(true);
  });

  it('take and give every byte of BYTES and UINT8', async () => {
    const text = Buffer.from([3, 0, 0, 0, 0, 0xff, 0x0a, 0, 0, 0, 0]);
    const raw = Buffer.from([0, 255, 7]);
    const { outputs } = await over('grpc', server, {
      model: 'echo',
      inputs: [
        { name: 'text', datatype: 'BYTES', shape: [2], raw: text },
        { name: 'raw', datatype: 'UINT8', shape: [3], raw },
      ],
    });
    expect(outputs.map((output) => output.raw)).toEqual([text, raw, Buffer.from('\x14\0\0\0true,true,Uint8Array')]);
  });

  it('stream, response by response', async () => {
    const stream = server.grpc.duplex('ModelStreamInfer');
    const counts: number[] = [];
    stream.on('data', (reply: { infer_response: { raw_output_contents: Buffer[] } }) => {
      counts.push(...floats(reply.infer_response.raw_output_contents[0]));
      if (counts.length === 3) stream.end();
    });
    const ended = new Promise((resolve, reject) => void stream.on('end', resolve).on('error', reject));
    const contents = { fp32_contents: [3] };
    stream.write({ model_name: 'counter', inputs: [{ name: 'x', datatype: 'FP32', shape: ['1'], contents }] });
    await ended;
    expect(counts).toEqual([0, 1, 2]);
  });

  it('are told when the caller of a stream has gone, and stream again', async () => {
    const stream = server.grpc.duplex('ModelStreamInfer').on('error', () => undefined);
    const contents = { fp32_contents: [0] };
    stream.write({ model_name: 'counter', inputs: [{ name: 'x', datatype: 'FP32', shape: ['1'], contents }] });
    await server.found('counter.started');
    stream.cancel();
    await server.found('counter.aborted');
  });

  it.each([
    ['exit', /code 3/],
    ['uncaught', /a secret of the model/],
    ['memory', /memory/i],
  ])('F51: fail the request when their thread ends (%s), are not ready meanwhile, and are again', async (how, told) => {
    await server.leave('hold');
    expect(await over('rest', server, place('mortal', how))).toMatchObject({
      status: 503,
      message: "model 'mortal': the worker thread that ran the request has ended",
    });
    expect([await isReady(server), await isReady(server, '/models/mortal')]).toEqual([false, false]);
    expect(await over('grpc', server, place('mortal', 'fine'))).toMatchObject({
      status: 'UNAVAILABLE',
      message: "model 'mortal' is not ready: its worker thread has ended and is being started again",
    });
    const index = (await server.rest.post('/v2/repository/index')).json as { name: string; state: string }[];
    expect(index.find(({ name }) => name === 'mortal')).toMatchObject({ state: 'UNAVAILABLE' });
    expect(server.output()).toMatch(told);
    expect((await over('grpc', server, vector('double', [1]))).status).toBe('OK');
    await server.remove('hold');
    await vi.waitFor(async () => expect(await isReady(server)).toBe(true), { timeout: 15_000 });
    expect((await over('grpc', server, place('mortal', 'fine'))).status).toBe('OK');
  });

  it('are loaded anew, in other threads', async () => {
    const threadOf = async () =>
      ((await over('rest', server, vector('double', [1]))).reply as { parameters: { thread: number } }).parameters
        .thread;
    const before = await threadOf();
    expect((await server.rest.post('/v2/repository/models/double/unload')).status).toBe(200);
    expect(await isReady(server, '/models/double')).toBe(false);
    await server.found(`double-${before}.unloaded`);
    expect((await server.rest.post('/v2/repository/models/double/load')).status).toBe(200);
    expect(await threadOf()).toBeGreaterThan(before);
  });

  it.each(['iris', 'digits'])('predict what they predict beside the event loop, of ONNX: %s', async (model) => {
    const { shape, x, pred } = holdOut(model);
    const request = { model, inputs: [{ name: 'input', datatype: 'FP32', shape, data: x }], outputs: ['label'] };
    const { outputs } = await over('rest', server, request);
    expect(outputs[0]?.data?.map(Number)).toEqual(pred);
  });

  it('tell why a file of ONNX cannot be read, and are loaded anew when it changes', async () => {
    const ask = async () => {
      const inputs = [{ name: 'INPUT0', datatype: 'FP32', shape: [1], data: [1] }];
      return floats((await over('grpc', server, { model: 'plus', inputs })).outputs[0]?.raw);
    };
    for (const [fixture, status, answer] of [
      ['plus_one', 200, 2],
      ['corrupt', 400, 2],
      ['plus_two', 200, 3],
    ] as const) {
      await repository.put(fixture, 'plus/1/model.onnx');
      expect((await server.rest.post('/v2/repository/models/plus/load')).status).toBe(status);
      expect(await ask()).toEqual([answer]);
    }
  });
});

it.each([
  ['auto', 'InProcessExecutor'],
  ['inline', 'InProcessExecutor'],
])('ONNX models are small enough to run beside the event loop: %s', async (ONNX_EXECUTION, place) => {
  const environment = { MODEL_REPOSITORY: SAMPLES, LOAD_MODELS: 'simple', ONNX_INSTANCES: '2', ONNX_EXECUTION };
  await using server = await serve([], { environment });
  const [simple] = server.get(ModelRegistry).versionsOf('simple') ?? [];
  expect(simple?.handle?.executor.constructor.name).toBe(place);
});

describe('a server with threads', () => {
  it('ends with 0 on SIGTERM, after what runs', async () => {
    await using server = await BuiltServer.start(['Busy', 'Double']);
    const running = over('rest', server, place('busy', 'last'));
    await server.found('last.started');
    server.kill('SIGTERM');
    await vi.waitFor(async () => expect(await isReady(server)).toBe(false));
    await server.leave('last');
    expect((await running).status).toBe(200);
    expect(await server.ended).toBe(0);
  });

  it('tells why a model cannot be loaded, and leaves no thread behind when it is closed', async () => {
    await using server = await BuiltServer.start(['Homeless', 'Unready', 'Double', 'Counter']);
    expect(server.states).toEqual({
      counter: 'ready',
      double: 'ready',
      homeless:
        "server.mjs exports no model 'homeless' version '1': export the class from the file whose import.meta.url " +
        'stands in workerThreads({ module })',
      unready: 'no weights',
    });
    await over('rest', server, vector('double', [1]));
    expect(await server.close()).toBe(0);
  });
});

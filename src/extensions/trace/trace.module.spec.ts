import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { bytes, fp16, fp32, type InferContext, int32, Model, ModelClient, ServingError, signature } from '#core';
import { defineModel, serve, type TestServer } from '#testing';
import { captureLog } from '../../../test/support/captured-log.js';
import { handleOf, requestOf } from '../../../test/support/engine.js';
import { FixtureRepository } from '../../../test/support/fixture-repository.js';
import { type Answer, get, inferOver, post, rpc, type Wire, WIRES } from '../../../test/support/wires.js';
import type { InferenceCall } from '../../core/inference/call.js';
import { ObservedInference } from '../../core/inference/inference-observer.js';
import { InferenceObservers } from '../../engine/pipeline/inference-observers.js';
import { ModelRegistry } from '../../engine/registry/model-registry.js';
import { InferenceLimits } from '../../inference/inference-limits.js';
import { ActiveCalls } from '../../protocol/call/active-calls.js';
import { Deferred } from '../../testing/deferred.js';
import { fakeCall } from '../../testing/fake-call-context.js';
import { StatisticsObserver } from '../statistics/statistics-observer.js';
import { TensorCopy } from './recording/tensor-copy.js';
import { TraceRecorder } from './recording/trace-recorder.js';
import { TraceSetting } from './settings/trace-setting.js';
import { TraceModule } from './trace.module.js';

const log = captureLog();

const rows = signature({ inputs: { x: fp32(-1, 2) }, outputs: { y: fp32(-1, 2) } });
const values = signature({ inputs: { x: int32(-1) }, outputs: { y: int32(1) } });
const kinds = signature({ inputs: { text: bytes(-1), half: fp16(-1) }, outputs: { text: bytes(-1) } });

/** One response for each value. */
@Model('repeat', values)
class RepeatModel {
  *stream({ x }: { readonly x: ReturnType<typeof int32.of> }) {
    for (const value of x.data) yield { y: int32.of([1], [value]) };
  }
}

/** Opened by the test that shuts it. */
let gate: Deferred;

/** Calls another model, with or without its own context, when the gate is open. */
@Model('caller', rows)
class CallerModel {
  constructor(private readonly models: ModelClient) {}

  async infer({ x }: { readonly x: ReturnType<typeof fp32.of> }, context: InferContext) {
    await gate.promise;
    await this.models.infer('plain', { x });
    return (await this.models.infer('plain', { x }, context)) as { y: typeof x };
  }
}

const plain = ({ x }: { readonly x: ReturnType<typeof fp32.of> }) => {
  if (x.data.some((value) => value < 0)) throw new ServingError('failed-precondition', 'a value is negative');
  return { y: x };
};

const MODELS = [
  defineModel('plain', rows, plain),
  defineModel({ name: 'worded', version: 'v2-beta' }, rows, plain),
  defineModel('batched', rows, plain, {}, { batching: { maxSize: 8 } }),
  defineModel('kinds', kinds, ({ text }) => ({ text })),
  RepeatModel,
  CallerModel,
];

const ENSEMBLE = `
  platform: "ensemble"
  input { name: "in" data_type: TYPE_FP32 dims: [ -1, 2 ] }
  output { name: "out" data_type: TYPE_FP32 dims: [ -1, 2 ] }
  ensemble_scheduling {
    step { model_name: "plain" model_version: -1 input_map { key: "x" value: "in" } output_map { key: "y" value: "t" } }
    step { model_name: "batched" model_version: -1 input_map { key: "x" value: "t" } output_map { key: "y" value: "out" } }
  }`;

/** Takes rows of any width; its step does not. */
const OUTER = `
  platform: "ensemble"
  input { name: "in" data_type: TYPE_FP32 dims: [ -1, -1 ] }
  output { name: "out" data_type: TYPE_FP32 dims: [ -1, 2 ] }
  ensemble_scheduling {
    step { model_name: "pipeline" model_version: -1 input_map { key: "in" value: "in" } output_map { key: "out" value: "out" } }
  }`;

type Given = Readonly<Record<string, string | readonly string[] | null>>;
type Settings = Readonly<Record<string, readonly string[]>>;

const path = (model: string) => (model === '' ? '/v2/trace/setting' : `/v2/models/${model}/trace/setting`);

const listOf = (value: Given[string] | undefined): readonly string[] =>
  value === null || value === undefined ? [] : [value].flat();

/** Reads or changes the settings, over either wire. */
const ask: Readonly<Record<Wire, (model?: string, given?: Given) => Promise<Answer>>> = {
  grpc: (model = '', given = {}) => {
    const settings = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, { value: listOf(value) }]));
    return rpc('TraceSetting', { model_name: model, settings })(server);
  },
  rest: (model = '', given) => (given === undefined ? get(path(model)) : post(path(model), given))(server),
};

/** The same shape for both wires; only texts come back. */
function settingsIn({ reply, message }: Answer): Settings {
  if (reply === undefined) throw new Error(message);
  const { settings } = reply as { settings?: Readonly<Record<string, { value?: readonly string[] }>> };
  const entries = Object.entries(settings ?? (reply as object));
  return Object.fromEntries(
    entries.map(([name, value]) => [name, listOf(settings === undefined ? value : (value?.value ?? []))]),
  );
}

let folder: string;
let repository: FixtureRepository;
let server: TestServer;
let initial: Settings;

/** Several files of traces in one folder; each test has a server of its own only where it must. */
const traceFile = () => join(folder, 'trace.json');

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'trace-'));
  repository = await FixtureRepository.of([]);
  await repository.write('pipeline/config.pbtxt', ENSEMBLE);
  await repository.mkdir('pipeline/1');
  await repository.write('outer/config.pbtxt', OUTER);
  await repository.mkdir('outer/1');
  server = await serve(MODELS, {
    environment: { MODEL_REPOSITORY: repository.path, TRACE_FILE: traceFile(), AUDIT_LOG: join(folder, 'audit') },
  });
  initial = {
    trace_level: ['OFF'],
    trace_rate: ['1000'],
    trace_count: ['-1'],
    log_frequency: ['0'],
    trace_file: [traceFile()],
    trace_mode: ['triton'],
  };
});

afterAll(async () => {
  await server.close();
  await repository[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const CLEAR = { trace_level: null, trace_rate: null, trace_count: null, log_frequency: null };

beforeEach(async () => {
  gate = new Deferred();
  gate.resolve();
  for (const model of ['plain', 'batched', '']) await ask.rest(model, CLEAR);
});

// A trace follows the end of its call, and gives nobody's place away.
afterEach(() => vi.waitFor(() => expect(server.get(InferenceLimits).inFlight).toBe(0)));

describe.each(WIRES)('settings over %s', (wire) => {
  const change = async (given: Given, model = '') => settingsIn(await ask[wire](model, given));
  const read = async (model = '') => settingsIn(await ask[wire](model));

  it('are those of the start, in the order of Triton', async () => {
    expect(await read()).toEqual(initial);
    expect(await read('plain')).toEqual(initial);
    if (wire === 'rest') expect(Object.keys(await read())).toEqual(Object.keys(initial));
  });

  it('of a model are those of the server, but for its own', async () => {
    expect(await change({ trace_rate: '12', log_frequency: '34' }, 'plain')).toEqual({
      ...initial,
      trace_rate: ['12'],
      log_frequency: ['34'],
    });
    const global = { ...initial, trace_level: ['TIMESTAMPS', 'TENSORS'], trace_rate: ['56'], trace_count: ['78'] };
    const given = { trace_rate: '56', trace_count: '78', trace_level: ['TENSORS', 'TIMESTAMPS'] };
    expect(await change(given)).toEqual(global);
    expect(await read('plain')).toEqual({ ...global, trace_rate: ['12'], log_frequency: ['34'] });
    expect(await read('batched')).toEqual(global);
  });

  it('are taken back one by one', async () => {
    await change({ trace_rate: '12', log_frequency: '34' }, 'plain');
    await change({ trace_rate: '56', trace_count: '78' });
    expect(await change({ trace_count: null })).toEqual({ ...initial, trace_rate: ['56'] });
    expect(await change({ trace_rate: null }, 'plain')).toEqual({
      ...initial,
      trace_rate: ['56'],
      log_frequency: ['34'],
    });
    await change({ log_frequency: null }, 'plain');
    expect(await change({ trace_rate: null })).toEqual(initial);
    expect(await read('plain')).toEqual(initial);
  });

  const INVALID = { grpc: 'INVALID_ARGUMENT', rest: 400 }[wire];
  const UNIMPLEMENTED = { grpc: 'UNIMPLEMENTED', rest: 501 }[wire];

  it.each<[Given, string]>([
    [{ trace_level: ['OFF', 'TIMESTAMPS'] }, "Expect only one trace level 'OFF' is specified"],
    [{ trace_level: ['MAX'] }, "Unable to parse 'trace_level', got: MAX: use OFF, TIMESTAMPS or TENSORS"],
    [{ trace_rate: 'often' }, "Unable to parse 'trace_rate', got: often"],
    [{ trace_rate: '' }, "Unable to parse 'trace_rate', got: "],
    [{ trace_rate: '1.5' }, "Unable to parse 'trace_rate', got: 1.5"],
    [{ trace_rate: '-1' }, "Unable to parse 'trace_rate', value is out of range [ 0, 4294967295 ], got: -1"],
    [
      { trace_count: '10000000000' },
      "Unable to parse 'trace_count', value is out of range [ -1, 2147483647 ], got: 10000000000",
    ],
    [{ trace_count: '-2' }, "Unable to parse 'trace_count'. Expecting value >= -1, got: -2"],
    [
      { log_frequency: '10000000000' },
      "Unable to parse 'log_frequency', value is out of range [ 0, 4294967295 ], got: 10000000000",
    ],
    [
      { trace_rate: '0', trace_level: ['TIMESTAMPS'] },
      'Attempting to set invalid trace setting :sample rate must be non-zero',
    ],
    [
      { trace_rate: '5', nope: '1' },
      "unknown trace setting 'nope': use trace_level, trace_rate, trace_count, log_frequency",
    ],
    [
      { trace_rate: '5', ['__proto__x']: '1' },
      "unknown trace setting '__proto__x': use trace_level, trace_rate, trace_count, log_frequency",
    ],
  ])('that cannot be are refused, and change nothing: %j', async (given, message) => {
    expect(await ask[wire]('', given)).toMatchObject({ status: INVALID, message });
    expect(await read()).toEqual(initial);
  });

  it.each<[Given, string]>([
    [{ trace_rate: '1', trace_file: '/etc/passwd' }, 'trace file location can not be updated through network protocol'],
    [{ trace_file: '../../outside' }, 'trace file location can not be updated through network protocol'],
    [{ trace_file: null }, 'trace file location can not be updated through network protocol'],
    [{ trace_mode: 'opentelemetry' }, 'trace mode can not be updated through network protocol'],
  ])('of the operator are refused (A05): %j', async (given, message) => {
    expect(await ask[wire]('', given)).toMatchObject({ status: UNIMPLEMENTED, message });
    expect(await ask[wire]('plain', given)).toMatchObject({ status: UNIMPLEMENTED, message });
    expect(await read()).toEqual(initial);
  });

  it('of an unknown model are refused, to read and to change', async () => {
    const refused = { status: INVALID, message: 'Request for unknown model : does-not-exist' };
    expect(await ask[wire]('does-not-exist')).toMatchObject(refused);
    expect(await ask[wire]('does-not-exist', { trace_rate: '1' })).toMatchObject(refused);
    await server.rest.post('/v2/repository/models/worded/unload');
    expect(await ask[wire]('worded')).toMatchObject({ message: 'Request for unknown model : worded' });
    await server.rest.post('/v2/repository/models/worded/load');
  });
});

it('gRPC takes one value for all but the level', async () => {
  for (const name of ['trace_rate', 'trace_count', 'log_frequency']) {
    const message = `expect only 1 value for '${name}'`;
    expect(await ask.grpc('', { [name]: ['1', '2'] })).toMatchObject({ status: 'INVALID_ARGUMENT', message });
  }
});

it.each([
  [{ trace_rate: 5 }, "Unable to parse 'trace_rate': attempt to access JSON non-string as string"],
  [{ trace_level: 'OFF' }, "Unable to parse 'trace_level': attempt to access JSON non-array as array"],
  [{ trace_level: [1] }, "Unable to parse 'trace_level': attempt to access JSON non-string as string"],
  [[1], 'the request body must be a JSON object'],
])('REST takes texts alone: %j', async (body, message) => {
  expect(await post('/v2/trace/setting', body)(server)).toMatchObject({ status: 400, message });
});

it('REST has no settings of a version', async () => {
  expect((await get('/v2/models/plain/versions/1/trace/setting')(server)).status).toBe(404);
});

interface Entry {
  readonly id: number;
  readonly model_name?: string;
  readonly model_version?: number | string;
  readonly request_id?: string;
  readonly parent_id?: number;
  readonly timestamps?: readonly { readonly name: string; readonly ns: number }[];
  readonly activity?: string;
  readonly tensor?: Readonly<Record<'name' | 'data' | 'shape' | 'dtype', string>>;
}

const ROW = { name: 'x', datatype: 'FP32', shape: [1, 2], data: [1, 0.5] };
const send = (wire: Wire, model = 'plain', inputs: readonly (typeof ROW | object)[] = [ROW], id = '') =>
  inferOver[wire](server, { model, id, inputs: inputs as [typeof ROW] });

/** The numbered files that are complete, the oldest first. */
const numbered = () =>
  readdirSync(folder)
    .filter((name) => /^trace\.json\.\d+$/.test(name))
    .sort((one, other) => Number(one.slice(11)) - Number(other.slice(11)))
    .map((name) => join(folder, name));

const parse = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as readonly Entry[];

/** Traces what runs meanwhile: each request of a caller, into one numbered file. */
async function traced(level: readonly string[], count: number, run: () => Promise<unknown>): Promise<readonly Entry[]> {
  const before = numbered().length;
  const given = { trace_level: level, trace_rate: '1', trace_count: String(count) };
  expect(settingsIn(await ask.rest('', given))).toMatchObject({ trace_count: [String(count)] });
  await run();
  const file = await vi.waitFor(() => {
    const [name, ...others] = numbered().slice(before);
    if (name === undefined || others.length > 0) throw new Error(`not one file, but ${numbered().length - before}`);
    return name;
  });
  expect(settingsIn(await ask.rest())).toMatchObject({ trace_count: ['0'] });
  return parse(file);
}

const namesOf = (entries: readonly Entry[], id: number) =>
  entries.filter((entry) => entry.id === id).flatMap(({ timestamps = [] }) => timestamps.map(({ name }) => name));
const heads = (entries: readonly Entry[]) => entries.filter((entry) => entry.model_name !== undefined);
const byModel = (entries: readonly Entry[], model: string) => heads(entries).filter((e) => e.model_name === model);

const COMPUTE = ['COMPUTE_START', 'COMPUTE_INPUT_END', 'COMPUTE_OUTPUT_START', 'COMPUTE_END'];
const SERVED = ['REQUEST_START', 'QUEUE_START', ...COMPUTE, 'INFER_RESPONSE_COMPLETE', 'REQUEST_END'];
const OVER: Readonly<Record<Wire, (inner: readonly string[]) => readonly string[]>> = {
  grpc: (inner) => ['GRPC_WAITREAD_START', 'GRPC_WAITREAD_END', ...inner, 'GRPC_SEND_START', 'GRPC_SEND_END'],
  rest: (inner) => ['HTTP_RECV_START', 'HTTP_RECV_END', ...inner, 'HTTP_SEND_START', 'HTTP_SEND_END'],
};

describe.each(WIRES)('a trace over %s', (wire) => {
  it('has the moments of a request, in their order, in nanoseconds', async () => {
    const before = process.hrtime.bigint();
    const entries = await traced(['TIMESTAMPS'], 1, () => send(wire, 'plain', [ROW], 'r-1'));
    const [head] = entries;
    expect(head).toEqual({ id: expect.any(Number), model_name: 'plain', model_version: 1, request_id: 'r-1' });
    expect(namesOf(entries, head?.id ?? 0)).toEqual(OVER[wire](SERVED));
    const moments = entries.flatMap(({ timestamps = [] }) => timestamps.map(({ ns }) => ns));
    expect(moments).toEqual(moments.toSorted((one, other) => one - other));
    expect(moments[0]).toBeGreaterThan(Number(before) - 1e6);
    expect(moments.at(-1)).toBeLessThan(Number(process.hrtime.bigint()) + 1e6);
    expect(JSON.stringify(entries)).not.toContain('tensor');
  });

  it('has the tensors of a request, as text', async () => {
    const text = { name: 'text', datatype: 'BYTES', shape: [2], data: ['a"b', 'ü'] };
    const half = { name: 'half', datatype: 'FP16', shape: [2], raw: Buffer.from([0x00, 0x3c, 0x00, 0xc0]) };
    const raw = { ...text, data: undefined, raw: Buffer.from('\x03\0\0\0a"b\x02\0\0\0ü', 'utf8') };
    const entries = await traced(['TENSORS'], 1, () =>
      send(wire, 'kinds', wire === 'grpc' ? [raw, half] : [text, half]),
    );
    expect(entries.map(({ activity, tensor }) => [activity, tensor]).slice(1)).toEqual([
      ['TENSOR_QUEUE_INPUT', { name: 'text', data: '"a"b","ü"', shape: '2', dtype: 'BYTES' }],
      ['TENSOR_QUEUE_INPUT', { name: 'half', data: '1,-2', shape: '2', dtype: 'FP16' }],
      ['TENSOR_BACKEND_OUTPUT', { name: 'text', data: '"a"b","ü"', shape: '2', dtype: 'BYTES' }],
    ]);
    expect(JSON.stringify(entries)).not.toContain('timestamps');
  });

  it('has all elements of a large tensor', async () => {
    const data = Array.from({ length: 20_000 }, (_, index) => index);
    const input = { name: 'x', datatype: 'FP32', shape: [10_000, 2], data };
    const entries = await traced(['TENSORS'], 1, () => send(wire, 'plain', [input]));
    expect(entries.map(({ tensor }) => tensor?.data)).toEqual([undefined, data.join(','), data.join(',')]);
  });

  it('has the steps of an ensemble under its id', async () => {
    const input = { ...ROW, name: 'in' };
    const entries = await traced(['TIMESTAMPS'], 1, () => send(wire, 'pipeline', [input]));
    const [ensemble] = byModel(entries, 'pipeline');
    const steps = heads(entries).filter(({ parent_id }) => parent_id === ensemble?.id);
    expect(ensemble).not.toHaveProperty('parent_id');
    expect(steps.map(({ model_name }) => model_name)).toEqual(['plain', 'batched']);
    expect(heads(entries)).toHaveLength(3);
    for (const { id } of steps) expect(namesOf(entries, id)).toEqual(SERVED);
    expect(namesOf(entries, ensemble?.id ?? 0)).toEqual(OVER[wire](SERVED));
  });

  it('has the steps of an ensemble within an ensemble under the id of the inner one', async () => {
    const entries = await traced(['TIMESTAMPS'], 1, () => send(wire, 'outer', [{ ...ROW, name: 'in' }]));
    const parents = heads(entries).map(({ parent_id, model_name }) => [
      heads(entries).find(({ id }) => id === parent_id)?.model_name,
      model_name,
    ]);
    expect(parents).toEqual([
      [undefined, 'outer'],
      ['outer', 'pipeline'],
      ['pipeline', 'plain'],
      ['pipeline', 'batched'],
    ]);
  });

  it('has no moment of a queue for a step that never came to it', async () => {
    const wide = { ...ROW, name: 'in', shape: [1, 3], data: [1, 2, 3] };
    const entries = await traced(['TIMESTAMPS'], 1, () => send(wire, 'outer', [wide]));
    const [step] = byModel(entries, 'pipeline');
    expect(namesOf(entries, step?.id ?? 0)).toEqual(['REQUEST_START', 'REQUEST_END']);
  });

  it('has what a model calls with its context, and nothing else that it calls', async () => {
    const entries = await traced(['TIMESTAMPS'], 2, async () => {
      for (let count = 0; count < 2; count++) await send(wire, 'caller');
    });
    const callers = byModel(entries, 'caller').map(({ id }) => ({ parent_id: id }));
    expect(callers).toHaveLength(2);
    expect(byModel(entries, 'plain')).toMatchObject(callers);
  });

  it('has what came of a request that failed', async () => {
    const entries = await traced(['TIMESTAMPS', 'TENSORS'], 1, () => send(wire, 'plain', [{ ...ROW, data: [-1, 1] }]));
    const inner = SERVED.filter((name) => name !== 'INFER_RESPONSE_COMPLETE');
    expect(namesOf(entries, entries[0]?.id ?? 0)).toEqual(OVER[wire](inner));
    expect(entries.flatMap(({ activity = [] }) => activity)).toEqual(['TENSOR_QUEUE_INPUT']);
  });

  it('tells a version that is no number as text', async () => {
    expect(await traced(['TENSORS'], 1, () => send(wire, 'worded'))).toMatchObject([
      { model_version: 'v2-beta' },
      {},
      {},
    ]);
  });
});

/** Waits until the model's request has come to its gate. */
const atGate = () =>
  vi.waitFor(() => expect(server.get(ModelRegistry).resolve('caller', '').scheduler.inFlight).toBe(1));

it('has all that its model calls, also when no more are asked for meanwhile', async () => {
  gate = new Deferred();
  const entries = await traced(['TIMESTAMPS'], 1, async () => {
    const running = send('rest', 'caller');
    await atGate();
    await ask.rest('', { trace_level: null });
    gate.resolve();
    await running;
  });
  expect(heads(entries).map(({ model_name }) => model_name)).toEqual(['caller', 'plain']);
});

it('has no moment of an answer that its caller did not wait for', async () => {
  gate = new Deferred();
  const entries = await traced(['TIMESTAMPS'], 1, async () => {
    const leaving = new AbortController();
    const body = JSON.stringify({ inputs: [ROW] });
    const running = server.rest.send('/v2/models/caller/infer', { method: 'POST', body, signal: leaving.signal });
    await atGate();
    leaving.abort();
    await expect(running).rejects.toThrow('aborted');
    await vi.waitFor(() => expect(server.get(ActiveCalls).size).toBe(0));
    gate.resolve();
  });
  const names = entries.flatMap(({ timestamps = [] }) => timestamps.map(({ name }) => name));
  expect(names.filter((name) => name.startsWith('HTTP_'))).toEqual(['HTTP_RECV_START', 'HTTP_RECV_END']);
});

it('has every response of a decoupled model, with its tensors', async () => {
  const entries = await traced(['TIMESTAMPS', 'TENSORS'], 1, async () => {
    const call = server.grpc.duplex('ModelStreamInfer');
    const ended = new Promise<void>((resolve, reject) => call.on('end', resolve).on('error', reject).resume());
    const input = { name: 'x', datatype: 'INT32', shape: ['2'], contents: { int_contents: [7, 8] } };
    call.write({ model_name: 'repeat', inputs: [input] });
    call.end();
    await ended;
  });
  const two = ['INFER_RESPONSE_COMPLETE', 'INFER_RESPONSE_COMPLETE', 'REQUEST_END'];
  expect(namesOf(entries, entries[0]?.id ?? 0)).toEqual(OVER.grpc([...SERVED.slice(0, -2), ...two]));
  expect(entries.flatMap(({ tensor }) => (tensor === undefined ? [] : [`${tensor.name} ${tensor.data}`]))).toEqual([
    'y 7',
    'y 8',
    'x 7,8',
  ]);
});

it('is made of one request of as many as the rate says, and has its place in a file of as many as the frequency', async () => {
  const before = numbered().length;
  await ask.rest('', { trace_level: ['TIMESTAMPS'], trace_rate: '3', log_frequency: '2' });
  for (let count = 0; count < 15; count++) await send('rest');
  await vi.waitFor(() => expect(numbered()).toHaveLength(before + 2));
  // What is left of the last file comes with the next change.
  await ask.rest('', CLEAR);
  await vi.waitFor(() => expect(numbered()).toHaveLength(before + 3));
  expect(
    numbered()
      .slice(before)
      .map((file) => heads(parse(file)).length),
  ).toEqual([2, 2, 1]);
});

it('is made of the requests of one model by its own settings', async () => {
  const before = numbered().length;
  await ask.grpc('batched', { trace_level: ['TIMESTAMPS'], trace_rate: '1', trace_count: '2' });
  for (const model of ['plain', 'batched', 'plain', 'batched', 'batched']) await send('rest', model);
  const [file = '', ...others] = await vi.waitFor(() => {
    const files = numbered().slice(before);
    expect(files).toHaveLength(1);
    return files;
  });
  expect(others).toEqual([]);
  expect(heads(parse(file)).map(({ model_name }) => model_name)).toEqual(['batched', 'batched']);
});

it('costs nothing while none is made: the engine asks nobody beyond those who count', async () => {
  const observers = server.get(InferenceObservers);
  expect(observers.observer).not.toHaveProperty('started');
  await traced(['TIMESTAMPS'], 1, () => send('rest'));
  await vi.waitFor(() => expect(observers.observer).not.toHaveProperty('started'));
  await ask.rest('', { trace_level: ['TIMESTAMPS'], trace_count: null });
  expect(observers.observer).toHaveProperty('started');
  await using alone = await serve(MODELS.slice(0, 1), { extensions: [TraceModule] });
  expect(alone.get(InferenceObservers).observer).toBeUndefined();
  expect(server.get(StatisticsObserver)).toBeDefined();
});

it('has the tensors as they were when they passed by', () => {
  const numbers = fp32.of([2], [1, 2]);
  const words = bytes.of([1], ['a']);
  const copies = [numbers, words].map((tensor) => new TensorCopy('TENSOR_QUEUE_INPUT', 'x', tensor));
  numbers.data.fill(7);
  words.data[0]?.fill('b');
  expect(copies.map((copy) => [...copy.texts()].join(''))).toEqual(['1,2', '"a"']);
});

it('waits for no end of a call that is over already', () => {
  const completed = vi.fn();
  const setting = new TraceSetting({ levels: ['TIMESTAMPS'], rate: 1, count: 1, logFrequency: 0 }, new Set());
  const recorder = new TraceRecorder(() => setting, completed);
  const call = fakeCall();
  call.finish();
  const inference = new ObservedInference(recorder, handleOf(), requestOf(), 1, 1);
  recorder.started(inference, call as InferenceCall);
  inference.end = 2;
  recorder.finished(inference);
  expect([completed.mock.calls.length, recorder.isIdle]).toEqual([1, true]);
});

it('is asked for with a record of the change, and looked at without', async () => {
  // No other test sets anything of this model: records are written behind the replies.
  const recorded = () =>
    readFileSync(join(folder, 'audit'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { operation: string; model: string })
      .flatMap(({ operation, model }) => (model === 'outer' ? [operation] : []));
  for (const wire of WIRES) await ask[wire]('outer');
  await ask.grpc('outer', { trace_rate: '5' });
  await ask.rest('outer', { trace_rate: '1000' });
  await expect
    .poll(recorded)
    .toEqual(['/inference.GRPCInferenceService/TraceSetting', 'POST /v2/models/:model/trace/setting']);
});

describe('the file', () => {
  let own: string;

  beforeEach(() => {
    own = mkdtempSync(join(tmpdir(), 'trace-file-'));
  });

  afterEach(() => rmSync(own, { recursive: true, force: true }));

  const environment = (more: Readonly<Record<string, string>> = {}) => ({
    TRACE_FILE: join(own, 'all.json'),
    TRACE_LEVEL: 'TIMESTAMPS',
    TRACE_RATE: '1',
    ...more,
  });

  it('without a number is complete when the server ends', async () => {
    writeFileSync(join(own, 'all.json'), 'of an earlier server');
    const traced = await serve(MODELS.slice(0, 1), { environment: environment() });
    for (const wire of WIRES) await inferOver[wire](traced, { model: 'plain', inputs: [ROW] });
    await traced.close();
    expect(readdirSync(own)).toEqual(['all.json']);
    expect(heads(parse(join(own, 'all.json'))).map(({ id }) => id)).toEqual([1, 2]);
  });

  it('with a number is complete when the server ends, however few traces are in it; only its user can read it', async () => {
    const more = { TRACE_LOG_FREQUENCY: '100' };
    const traced = await serve(MODELS.slice(0, 1), { environment: environment(more) });
    await inferOver.grpc(traced, { model: 'plain', inputs: [ROW] });
    await traced.close();
    expect(readdirSync(own)).toEqual(['all.json.0']);
    expect(heads(parse(join(own, 'all.json.0')))).toHaveLength(1);
    expect(statSync(join(own, 'all.json.0')).mode & 0o777).toBe(0o600);
  });

  it('takes no more than it may, and the log says so once', async () => {
    const more = { TRACE_MAX_BYTES: '1', TRACE_LOG_FREQUENCY: '1' };
    await using traced = await serve(MODELS.slice(0, 1), { environment: environment(more) });
    for (let count = 0; count < 4; count++) await inferOver.rest(traced, { model: 'plain', inputs: [ROW] });
    await vi.waitFor(() => expect(log()).toContain('TRACE_MAX_BYTES are written'));
    await inferOver.rest(traced, { model: 'plain', inputs: [ROW] });
    await traced.close();
    expect(readdirSync(own)).toEqual(['all.json.0']);
    expect(log().split('traces are lost')).toHaveLength(2);
  });

  it('that cannot be written costs no request (F65)', async () => {
    const more = { TRACE_LOG_FREQUENCY: '1' };
    await using traced = await serve(MODELS.slice(0, 1), { environment: environment(more) });
    rmSync(own, { recursive: true });
    for (let count = 0; count < 3; count++) {
      expect((await inferOver.rest(traced, { model: 'plain', inputs: [ROW] })).status).toBe(200);
    }
    await vi.waitFor(() => expect(log()).toContain('traces are lost'));
    expect(log()).toContain('ENOENT');
    expect(log().split('traces are lost')).toHaveLength(2);
  });

  it.each([
    [{ TRACE_FILE: '/nowhere/at/all' }, /TRACE_FILE="\/nowhere\/at\/all": .*ENOENT/],
    [{ TRACE_FILE: tmpdir() }, /TRACE_FILE=".*": it is a folder/],
    [{ TRACE_FILE: '' }, /TRACE_LEVEL=TIMESTAMPS: trace file name is not given: start the server with TRACE_FILE/],
  ])('that cannot be ends the start: %j', async (more, reason) => {
    await expect(serve([], { environment: environment(more) })).rejects.toThrow(reason);
  });

  it('is needed before traces can be turned on', async () => {
    await using untraced = await serve();
    const { status, message } = await post('/v2/trace/setting', { trace_level: ['TIMESTAMPS'] })(untraced);
    expect([status, message]).toEqual([
      400,
      'Attempting to set invalid trace setting :trace file name is not given: start the server with TRACE_FILE',
    ]);
  });
});

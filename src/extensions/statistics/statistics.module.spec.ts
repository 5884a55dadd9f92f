import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { fp32, type Inputs, int32, Model, ServingError, signature } from '#core';
import { defineModel, serve, type TestServer } from '#testing';
import { captureLog } from '../../../test/support/captured-log.js';
import { FixtureRepository } from '../../../test/support/fixture-repository.js';
import { get, inferOver, rpc, type Wire, WIRES } from '../../../test/support/wires.js';
import { ModelRegistry } from '../../engine/registry/model-registry.js';
import { Deferred } from '../../testing/deferred.js';

captureLog();

const rows = signature({ inputs: { x: fp32(-1, 2) }, outputs: { y: fp32(-1, 2) } });

/** Opened by the test that shuts it; a negative value fails the run. */
let gate: Deferred;
const answer = async ({ x }: Inputs<typeof rows>) => {
  await gate.promise;
  if (x.data.some((value) => value < 0)) throw new ServingError('failed-precondition', 'a value is negative');
  return { y: x };
};

const values = signature({ inputs: { x: int32(-1) }, outputs: { y: int32(1) } });

/** One response for each value; a negative one fails, and a zero waits at the gate. */
@Model('repeat', values)
class RepeatModel {
  async *stream({ x }: Inputs<typeof values>) {
    for (const value of x.data) {
      if (value === 0) await gate.promise;
      if (value < 0) throw new ServingError('failed-precondition', 'a value is negative');
      yield { y: int32.of([1], [value]) };
    }
  }
}

const MODELS = [
  defineModel('plain', rows, answer),
  defineModel('batched', rows, answer, {}, { batching: { maxSize: 8 } }),
  defineModel('cached', rows, answer, {}, { cache: true }),
  defineModel('full', rows, answer, {}, { instances: 1, queue: { maxSize: 1 } }),
  defineModel({ name: 'versioned', version: '1' }, rows, answer),
  defineModel({ name: 'versioned', version: '2' }, rows, answer),
  RepeatModel,
];

const ENSEMBLE = `
  platform: "ensemble"
  max_batch_size: 8
  input { name: "in" data_type: TYPE_FP32 dims: 2 }
  output { name: "out" data_type: TYPE_FP32 dims: 2 }
  ensemble_scheduling {
    step { model_name: "batched" model_version: -1 input_map { key: "x" value: "in" } output_map { key: "y" value: "t" } }
    step { model_name: "cached" model_version: -1 input_map { key: "x" value: "t" } output_map { key: "y" value: "out" } }
  }`;

interface Duration {
  readonly count: number;
  readonly ns: number;
}
type Compute = Readonly<Record<'compute_input' | 'compute_infer' | 'compute_output', Duration>>;
type Durations = Compute & Readonly<Record<'success' | 'fail' | 'queue' | 'cache_hit' | 'cache_miss', Duration>>;
interface Statistics {
  readonly name: string;
  readonly version: string;
  readonly last_inference: number;
  readonly inference_count: number;
  readonly execution_count: number;
  readonly inference_stats: Durations;
  readonly response_stats: Readonly<Record<string, Readonly<Record<string, Duration>>>>;
  readonly batch_stats: readonly (Compute & { readonly batch_size: number })[];
  readonly memory_usage: readonly object[];
}

let repository: FixtureRepository;
let server: TestServer;

beforeAll(async () => {
  repository = await FixtureRepository.of([]);
  await repository.write('pipeline/config.pbtxt', ENSEMBLE);
  await repository.mkdir('pipeline/1');
  const environment = { MODEL_REPOSITORY: repository.path, RESPONSE_CACHE_BYTES: '1000000' };
  server = await serve(MODELS, { environment });
});

afterAll(async () => {
  await server.close();
  await repository[Symbol.asyncDispose]();
});

beforeEach(() => {
  gate = new Deferred();
  gate.resolve();
});

/** What is loaded anew starts at nothing. */
async function reload(...models: readonly string[]): Promise<void> {
  for (const model of models) {
    await server.rest.post(`/v2/repository/models/${model}/unload`);
    expect((await server.rest.post(`/v2/repository/models/${model}/load`)).status).toBe(200);
  }
}

const path = (name: string, version = '') =>
  `/v2/models${name && `/${name}`}${version && `/versions/${version}`}/stats`;

const read = (name = '', version = '') => ({
  grpc: rpc('ModelStatistics', { name, version }),
  rest: get(path(name, version)),
});

/** As protobuf puts it: empty lists and maps are left out, and 64-bit integers are texts. */
function asMessage(value: unknown): unknown {
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) return value.map(asMessage);
  if (typeof value !== 'object' || value === null) return value;
  const set = Object.entries(value).filter(([key, each]) => !isEmptyList(key, each));
  return Object.fromEntries(set.map(([key, each]) => [key, asMessage(each)]));
}

const isEmptyList = (key: string, value: unknown): boolean =>
  Array.isArray(value) ? value.length === 0 : key === 'response_stats' && Object.keys(value as object).length === 0;

/** The statistics as both wires tell them. */
async function statisticsOf(name = '', version = ''): Promise<readonly Statistics[]> {
  const { grpc, rest } = read(name, version);
  const [byGrpc, byRest] = [await grpc(server), await rest(server)];
  expect([byGrpc.status, byRest.status]).toEqual(['OK', 200]);
  const { model_stats } = byRest.reply as { model_stats: readonly Statistics[] };
  const message = (byGrpc.reply as { model_stats?: readonly object[] }).model_stats;
  // The moment of the last inference is kept by another clock than the one that it is told in.
  const round = (entry: object) => ({ ...entry, last_inference: 'last_inference' in entry });
  expect(message?.map(round)).toEqual((asMessage(model_stats) as readonly object[]).map(round));
  return model_stats;
}

async function only(name: string): Promise<Statistics> {
  const [statistics, ...others] = await statisticsOf(name);
  if (statistics === undefined || others.length > 0) throw new Error(`'${name}' has not one version`);
  return statistics;
}

const tensor = (count: number, value = 1) => ({
  name: 'x',
  datatype: 'FP32',
  shape: [count, 2],
  data: Array.from({ length: count * 2 }, () => value),
});

const send = (wire: Wire, model: string, count = 1, value = 1) =>
  inferOver[wire](server, { model, inputs: [tensor(count, value)] });

const counts = ({ inference_stats }: Statistics) =>
  Object.fromEntries(Object.entries(inference_stats).map(([key, { count }]) => [key, count]));

const batches = ({ batch_stats }: Statistics) =>
  batch_stats.map(({ batch_size, compute_input, compute_infer, compute_output }) => {
    expect([compute_input.count, compute_output.count]).toEqual([compute_infer.count, compute_infer.count]);
    return [batch_size, compute_infer.count];
  });

/** Waits until so many requests run or wait. */
const inFlight = (model: string, requests: number) =>
  vi.waitFor(() => expect(server.get(ModelRegistry).resolve(model, '').scheduler.inFlight).toBe(requests));

describe.each(WIRES)('what came over %s', (wire) => {
  it('is counted by request, by row and by run', async () => {
    await reload('plain');
    expect(counts(await only('plain'))).toEqual({
      success: 0,
      fail: 0,
      queue: 0,
      compute_input: 0,
      compute_infer: 0,
      compute_output: 0,
      cache_hit: 0,
      cache_miss: 0,
    });
    const before = Date.now();
    for (const count of [1, 3]) await send(wire, 'plain', count);
    const failed = await send(wire, 'plain', 1, -1);
    expect(failed.message).toBe('a value is negative');
    const statistics = await only('plain');
    expect(statistics).toMatchObject({ name: 'plain', version: '1', inference_count: 2, execution_count: 2 });
    expect(counts(statistics)).toEqual({
      success: 2,
      fail: 1,
      queue: 2,
      compute_input: 2,
      compute_infer: 2,
      compute_output: 2,
      cache_hit: 0,
      cache_miss: 0,
    });
    expect(batches(statistics)).toEqual([[1, 2]]);
    expect([statistics.response_stats, statistics.memory_usage]).toEqual([{}, []]);
    const { success, fail, compute_infer } = statistics.inference_stats;
    expect(Math.min(success.ns, fail.ns, compute_infer.ns)).toBeGreaterThan(0);
    expect(success.ns).toBeGreaterThanOrEqual(compute_infer.ns);
    expect(statistics.last_inference).toBeGreaterThanOrEqual(before - 1);
    expect(statistics.last_inference).toBeLessThanOrEqual(Date.now() + 1);
  });

  it('is no failure of a model that never got it', async () => {
    await reload('plain');
    const { status } = await inferOver[wire](server, { model: 'plain', inputs: [] });
    expect(status).toBe(wire === 'grpc' ? 'INVALID_ARGUMENT' : 400);
    // From inside, it is checked in the pipeline.
    await expect(server.models.infer('plain', {})).rejects.toMatchObject({ code: 'invalid-argument' });
    expect(counts(await only('plain'))).toMatchObject({ success: 0, fail: 0 });
  });

  it('runs less often than it comes where requests are merged', async () => {
    await reload('batched');
    gate = new Deferred();
    const first = send(wire, 'batched', 1);
    await inFlight('batched', 1);
    const others = [2, 3, 2].map((count) => send(wire, 'batched', count));
    await inFlight('batched', 4);
    gate.resolve();
    await Promise.all([first, ...others]);
    const statistics = await only('batched');
    expect(statistics).toMatchObject({ inference_count: 8, execution_count: 2 });
    expect(batches(statistics)).toEqual([
      [1, 1],
      [7, 1],
    ]);
    expect(counts(statistics)).toMatchObject({ success: 4, queue: 4, compute_infer: 4, fail: 0 });
    const { queue, compute_input, compute_infer, compute_output, success } = statistics.inference_stats;
    expect(queue.ns).toBeGreaterThan(0);
    // Waiting and running is all that they did, one after the other.
    const parts = [queue, compute_input, compute_infer, compute_output].reduce((sum, { ns }) => sum + ns, 0);
    expect(parts).toBeLessThanOrEqual(success.ns + 4);
  });

  it('counts runs that answered somebody: of a batch that failed, each request by itself', async () => {
    await reload('batched');
    gate = new Deferred();
    const first = send(wire, 'batched', 3);
    await inFlight('batched', 1);
    const others = [1, -1, 1].map((value) => send(wire, 'batched', 2, value));
    await inFlight('batched', 4);
    gate.resolve();
    await Promise.all([first, ...others]);
    const statistics = await only('batched');
    expect(statistics).toMatchObject({ inference_count: 7, execution_count: 3 });
    expect(counts(statistics)).toMatchObject({ success: 3, fail: 1, compute_infer: 3 });
    // The smallest first, whichever ran first.
    expect(batches(statistics)).toEqual([
      [2, 2],
      [3, 1],
    ]);
  });

  it('is a failure where the queue is full', async () => {
    await reload('full');
    gate = new Deferred();
    const first = send(wire, 'full');
    await inFlight('full', 1);
    const second = send(wire, 'full');
    await inFlight('full', 2);
    expect((await send(wire, 'full')).message).toBe('Exceeds maximum queue size');
    gate.resolve();
    await Promise.all([first, second]);
    expect(counts(await only('full'))).toMatchObject({ success: 2, fail: 1 });
  });

  it('is a hit or a miss where responses are kept, and only a miss runs', async () => {
    await reload('cached');
    for (const value of [1, 1, 2, 1, 1]) await send(wire, 'cached', 1, value);
    await send(wire, 'cached', 1, -1);
    const statistics = await only('cached');
    expect(statistics).toMatchObject({ inference_count: 2, execution_count: 2 });
    expect(counts(statistics)).toEqual({
      success: 5,
      fail: 1,
      queue: 5,
      compute_input: 2,
      compute_infer: 2,
      compute_output: 2,
      cache_hit: 3,
      cache_miss: 2,
    });
    const { cache_hit, cache_miss } = statistics.inference_stats;
    expect(Math.min(cache_hit.ns, cache_miss.ns)).toBeGreaterThan(0);
  });

  it('is counted for an ensemble and for each of its steps', async () => {
    await reload('batched', 'cached', 'pipeline');
    const input = { ...tensor(3), name: 'in' };
    await inferOver[wire](server, { model: 'pipeline', inputs: [input] });
    await inferOver[wire](server, { model: 'pipeline', inputs: [input] });
    expect(await only('pipeline')).toMatchObject({ inference_count: 6, execution_count: 2 });
    expect(batches(await only('pipeline'))).toEqual([[3, 2]]);
    expect(await only('batched')).toMatchObject({ inference_count: 6, execution_count: 2 });
    expect(await only('cached')).toMatchObject({ inference_count: 1, execution_count: 1 });
    expect(counts(await only('cached'))).toMatchObject({ success: 2, cache_hit: 1, cache_miss: 1 });
  });

  it('adds up, whatever comes together', async () => {
    const request = fc.record({
      model: fc.constantFrom('batched', 'plain'),
      count: fc.integer({ min: 1, max: 8 }),
      value: fc.constantFrom(1, 2, -1),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 12 }), async (requests) => {
        await reload('batched', 'plain');
        const answers = await Promise.all(requests.map(({ model, count, value }) => send(wire, model, count, value)));
        for (const model of ['batched', 'plain']) {
          const own = requests.filter((each) => each.model === model);
          const good = own.filter(({ value }) => value > 0);
          const statistics = await only(model);
          expect(counts(statistics)).toMatchObject({
            success: good.length,
            fail: own.length - good.length,
            queue: good.length,
            compute_infer: good.length,
          });
          const done = good.reduce((sum, { count }) => sum + (model === 'batched' ? count : 1), 0);
          expect(statistics.inference_count).toBe(done);
          const runs = batches(statistics);
          expect(runs.reduce((sum, [size = 0, times = 0]) => sum + size * times, 0)).toBe(done);
          expect(runs.reduce((sum, [, times = 0]) => sum + times, 0)).toBe(statistics.execution_count);
        }
        expect(answers.filter(({ message }) => message === '')).toHaveLength(
          requests.filter(({ value }) => value > 0).length,
        );
      }),
      { numRuns: 15 },
    );
  });

  it.each([
    ['nobody', '', "requested model 'nobody' is not available"],
    ['nobody', '1', "requested model 'nobody' is not available"],
    ['plain', '9', "requested model version is not available for model 'plain'"],
  ])('has no statistics of what is not loaded: %s %s', async (name, version, message) => {
    const status = { grpc: 'INVALID_ARGUMENT', rest: 400 }[wire];
    expect(await read(name, version)[wire](server)).toMatchObject({ status, message });
  });

  it('has none of a version that is no number', async () => {
    const status = { grpc: 'INVALID_ARGUMENT', rest: 404 }[wire];
    const message =
      "failed to get model version from specified version string 'x', version should be an integral value > 0";
    expect(await read('plain', 'x')[wire](server)).toMatchObject({ status, message });
  });

  it('has none of a model that is unloaded, and starts again with the next load', async () => {
    await reload('plain');
    await send(wire, 'plain');
    await server.rest.post('/v2/repository/models/plain/unload');
    expect((await read('plain')[wire](server)).message).toBe("requested model 'plain' is not available");
    await server.rest.post('/v2/repository/models/plain/load');
    expect(await only('plain')).toMatchObject({ last_inference: 0, inference_count: 0 });
  });
});

it('lists every loaded version by name, the oldest first', async () => {
  const all = (await statisticsOf()).map(({ name, version }) => `${name} ${version}`);
  expect(all).toEqual([
    'batched 1',
    'cached 1',
    'full 1',
    'pipeline 1',
    'plain 1',
    'repeat 1',
    'versioned 1',
    'versioned 2',
  ]);
  expect((await statisticsOf('versioned')).map(({ version }) => version)).toEqual(['1', '2']);
  expect((await statisticsOf('versioned', '1')).map(({ version }) => version)).toEqual(['1']);
});

it('writes every field over REST, in the order in which Triton does', async () => {
  await reload('repeat');
  const { model_stats } = (await read('repeat').rest(server)).reply as { model_stats: readonly object[] };
  const [entry = {}] = model_stats;
  expect(Object.keys(entry)).toEqual([
    'name',
    'version',
    'last_inference',
    'inference_count',
    'execution_count',
    'inference_stats',
    'response_stats',
    'batch_stats',
    'memory_usage',
  ]);
});

describe('a decoupled model', () => {
  /** Sends one request on a stream of its own, and waits until the server has ended it. */
  async function stream(data: readonly number[]): Promise<number> {
    const call = server.grpc.duplex('ModelStreamInfer');
    let replies = 0;
    call.on('data', () => replies++);
    const ended = new Promise<void>((resolve, reject) => call.on('end', resolve).on('error', reject));
    const input = { name: 'x', datatype: 'INT32', shape: [String(data.length)], contents: { int_contents: data } };
    call.write({ model_name: 'repeat', inputs: [input] });
    call.end();
    await ended;
    return replies;
  }

  it('has statistics for each position among its responses', async () => {
    await reload('repeat');
    expect(await stream([1, 2, 3])).toBe(3);
    expect(await stream([])).toBe(0);
    // Two responses, and the error.
    expect(await stream([1, -1])).toBe(2);
    const statistics = await only('repeat');
    expect(statistics).toMatchObject({ inference_count: 2, execution_count: 2 });
    expect(counts(statistics)).toMatchObject({ success: 2, fail: 1, compute_infer: 2 });
    const responses = Object.entries(statistics.response_stats).map(([index, durations]) => [
      index,
      Object.fromEntries(Object.entries(durations).map(([kind, { count }]) => [kind, count])),
    ]);
    const none = { compute_infer: 0, compute_output: 0, success: 0, fail: 0, empty_response: 0, cancel: 0 };
    const made = (times: number) => ({ compute_infer: times, compute_output: times, success: times });
    expect(Object.fromEntries(responses)).toEqual({
      '0': { ...none, ...made(2), empty_response: 1 },
      '1': { ...none, ...made(1), fail: 1 },
      '2': { ...none, ...made(1) },
      '3': { ...none, empty_response: 1 },
    });
    const { success, compute_infer, compute_output } = statistics.response_stats['0'] ?? {};
    expect(success?.ns).toBeGreaterThan(0);
    expect(Math.abs((success?.ns ?? 0) - (compute_infer?.ns ?? 0) - (compute_output?.ns ?? 0))).toBeLessThanOrEqual(1);
  });
});

it('counts the response that a decoupled model was asked for by a caller who has gone', async () => {
  await reload('repeat');
  gate = new Deferred();
  const call = server.grpc.duplex('ModelStreamInfer');
  call.on('error', () => undefined);
  const first = new Promise((resolve) => void call.once('data', resolve));
  const input = { name: 'x', datatype: 'INT32', shape: ['2'], contents: { int_contents: [1, 0] } };
  call.write({ model_name: 'repeat', inputs: [input] });
  await first;
  call.cancel();
  await vi.waitFor(async () => {
    const { '1': second } = (await only('repeat')).response_stats;
    expect([second?.cancel?.count, second?.fail?.count, second?.success?.count]).toEqual([1, 0, 0]);
  });
  gate.resolve();
});

it('shows a caller the models that it may see', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'statistics-'));
  const roles = join(folder, 'roles.json');
  writeFileSync(roles, JSON.stringify({ roles: { watcher: { statistics: ['plain'] } }, users: { ci: ['watcher'] } }));
  try {
    await using guarded = await serve(MODELS, {
      environment: { API_KEYS: 'ci:a-key-of-some-length', AUTHZ: 'roles', AUTHZ_ROLES_FILE: roles },
      headers: { 'x-api-key': 'a-key-of-some-length' },
    });
    for (const wire of WIRES) {
      const { reply } = await read()[wire](guarded);
      const { model_stats = [] } = reply as { model_stats?: readonly Statistics[] };
      expect(model_stats.map(({ name }) => name)).toEqual(['plain']);
      expect((await read('batched')[wire](guarded)).status).toBe({ grpc: 'PERMISSION_DENIED', rest: 403 }[wire]);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { fp32, type InferContext, type NamedTensors, type ServableModel, signature, type Tensor } from '#core';
import { type HandleParts, handleOf, requestOf } from '../../../test/support/engine.js';
import { unavailable } from '../../core/errors/catalogue.js';
import type { InferenceCall } from '../../core/inference/call.js';
import type { Departures } from '../../core/inference/departures.js';
import { ObservedInference } from '../../core/inference/inference-observer.js';
import type { InferenceRequest } from '../../core/inference/request.js';
import type { InferenceResponse, OutputTensor } from '../../core/inference/response.js';
import type { InferenceStage } from '../../core/inference/stage.js';
import { Deferred } from '../../testing/deferred.js';
import { FakeInferenceCall } from '../../testing/fake-inference-call.js';
import { FakeInferenceObserver } from '../../testing/fake-inference-observer.js';
import { FakeResponseCache } from '../../testing/fake-response-cache.js';
import { InferencePipeline } from '../pipeline/inference-pipeline.js';
import { ModelRegistry } from '../registry/model-registry.js';
import { CacheStage } from './cache.stage.js';
import { MemoryResponseCache } from './memory-response-cache.js';

let registry: ModelRegistry;
let cache: FakeResponseCache;
let pipeline: InferencePipeline;

beforeEach(() => {
  registry = new ModelRegistry();
  cache = new FakeResponseCache();
  pipeline = new InferencePipeline(registry, [new CacheStage(cache, registry)]);
});

/** Puts a cached model in service, in place of the one that is there. */
function serve(infer: NonNullable<ServableModel['infer']>, parts: HandleParts = {}) {
  const handle = handleOf({ model: { infer }, scheduling: { cache: true }, ...parts });
  if (registry.versionsOf(handle.name) === undefined) registry.set(handle.name, handle.version, { kind: 'loading' });
  registry.set(handle.name, handle.version, { kind: 'ready' }, handle);
  return handle;
}

/** A model that tells how often it ran. */
function serveCounting(parts: HandleParts = {}) {
  const infer = vi.fn(() => ({ y: fp32.of([1], [infer.mock.calls.length]) }));
  return { infer, handle: serve(infer, parts) };
}

const run = (parts: Partial<InferenceRequest> = {}, call = new FakeInferenceCall()) =>
  pipeline.run(requestOf(parts), call);

const dataOf = ({ outputs }: InferenceResponse): Float32Array => (outputs as [OutputTensor])[0].tensor.data as never;
const numberOf = (response: InferenceResponse): unknown => dataOf(response)[0];
const numberOfRun = async (parts: Partial<InferenceRequest> = {}) => numberOf(await run(parts));

describe('a model that asks for it', () => {
  it('answers the same request once, and each caller under their own id', async () => {
    const { infer } = serveCounting();
    const first = await run({ id: 'one' });
    const second = await run({ id: 'two' });
    expect(second).toEqual({ ...first, id: 'two' });
    expect((await run()).id).toBe('');
    expect(infer).toHaveBeenCalledOnce();
    expect(cache.counters).toMatchObject({ hits: 2, misses: 1 });
  });

  it('answers another request by itself', async () => {
    serveCounting();
    expect(await numberOfRun()).toBe(1);
    expect(await numberOfRun({ inputs: { x: fp32.of([2], [1, 3]) } })).toBe(2);
    expect(await numberOfRun({ parameters: new Map([['p', 1]]) })).toBe(3);
    expect(await numberOfRun({ outputs: [{ name: 'y', parameters: new Map() }] })).toBe(4);
    expect(await numberOfRun()).toBe(1);
  });

  it('gives the parameters of its response again', async () => {
    serve((_, context) => {
      (context as InferContext).response.parameters.set('p', 'told');
      return { y: fp32.of([0], []) };
    });
    await run();
    expect([...(await run()).parameters]).toEqual([['p', 'told']]);
    expect(cache.counters.hits).toBe(1);
  });

  it('runs again after an error', async () => {
    const infer = vi.fn<() => NamedTensors>(() => ({ y: fp32.of([1], [7]) }));
    infer.mockImplementationOnce(() => {
      throw unavailable('not now');
    });
    serve(infer);
    await expect(run()).rejects.toThrow('not now');
    expect(await numberOfRun()).toBe(7);
    expect(infer).toHaveBeenCalledTimes(2);
  });

  it('runs each of the requests that come while the first of their kind runs', async () => {
    const gate = new Deferred();
    const infer = vi.fn(async () => {
      await gate.promise;
      return { y: fp32.of([1], [infer.mock.calls.length]) };
    });
    serve(infer);
    const both = Promise.all([run({ id: 'one' }), run({ id: 'two' })]);
    gate.resolve();
    expect((await both).map(({ id }) => id)).toEqual(['one', 'two']);
    expect(infer).toHaveBeenCalledTimes(2);
  });

  it('is asked by the inputs as they came, even if it writes into them', async () => {
    serve(({ x }) => {
      const data = x?.data as Float32Array;
      data[0] = 100;
      return { y: fp32.of([1], [data[1] ?? 0]) };
    });
    await run({ inputs: { x: fp32.of([2], [1, 2]) } });
    await run({ inputs: { x: fp32.of([2], [100, 2]) } });
    expect(cache.counters).toMatchObject({ hits: 0, misses: 2 });
  });

  it('reaches its scheduler before anything else can happen to it', async () => {
    const { handle } = serveCounting();
    const running = run();
    await handle.release('is served', new AbortController().signal);
    await expect(running).resolves.toMatchObject({ model: 'm' });
  });
});

describe('whoever asks', () => {
  it('is not told to a cached model, whether or not the answer is kept', async () => {
    const contexts: InferContext[] = [];
    const infer: NonNullable<ServableModel['infer']> = (_, context) => {
      contexts.push(context as InferContext);
      return { y: fp32.of([0], []) };
    };
    serve(infer);
    const call = new FakeInferenceCall();
    await run({ id: 'i-1' }, call);
    await run({ parameters: new Map([['sequence_id', 1]]) });
    pipeline = new InferencePipeline(registry, [new CacheStage(new FakeResponseCache(0), registry)]);
    await run();
    expect(contexts.map(({ principal }) => principal)).toEqual([undefined, undefined, undefined]);
    const { deadline, signal } = call;
    expect(contexts[0]).toMatchObject({ id: 'i-1', deadline });
    expect(contexts[0]?.signal).toBe(signal);
    expect(call.timings.computeNs).toBeGreaterThan(0);
    serve(infer, { scheduling: {} });
    await run();
    expect(contexts[3]?.principal).toEqual(call.principal);
  });

  it('is all of their call that is not handed on', async () => {
    const calls: InferenceCall[] = [];
    const seen: InferenceStage = {
      run(exchange, next) {
        calls.push(exchange.call);
        return next(exchange);
      },
    };
    pipeline = new InferencePipeline(registry, [new CacheStage(cache, registry), seen]);
    serveCounting();
    const departures = { isGone: () => false } as unknown as Departures;
    const call = Object.assign(new FakeInferenceCall(), { departures });
    await run({}, call);
    const { requestId, signal, deadline, timings } = call;
    expect(calls).toHaveLength(1);
    expect(calls[0]?.principal).toBeUndefined();
    expect(calls[0]?.signal).toBe(signal);
    expect(calls[0]?.departures).toBe(departures);
    expect(calls[0]?.timings).toBe(timings);
    expect(calls[0]).toMatchObject({ requestId, deadline });
  });

  it('is not told to a decoupled one, and nothing of it is kept', async () => {
    const contexts: InferContext[] = [];
    const model: ServableModel = {
      async *stream(_, context) {
        contexts.push(context);
        yield { y: fp32.of([1], [contexts.length]) };
      },
    };
    serve(() => ({}), { model });
    const numbers: unknown[] = [];
    for (let round = 0; round < 2; round++) {
      for await (const response of pipeline.stream(requestOf(), new FakeInferenceCall()))
        numbers.push(numberOf(response));
    }
    expect(numbers).toEqual([1, 2]);
    expect(contexts.map(({ principal }) => principal)).toEqual([undefined, undefined]);
    expect(cache.counters).toMatchObject({ hits: 0, misses: 0 });
  });
});

it('tells observers what looking up took, and after a miss also what keeping did', async () => {
  const { handle } = serveCounting();
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now++);
  const observed = async () => {
    const call = new FakeInferenceCall();
    const inference = new ObservedInference(new FakeInferenceObserver(), handle, requestOf(), 1, 0);
    call.timings.observed = inference;
    await run({}, call);
    return inference;
  };
  expect(await observed()).toMatchObject({ cache: 'miss', cacheMs: 2 });
  expect(await observed()).toMatchObject({ cache: 'hit', cacheMs: 1 });
  vi.restoreAllMocks();
});

describe('nothing is kept', () => {
  it.each([
    ['of a model that does not ask for it', { scheduling: {} }, {}],
    ['of a request that belongs to a sequence', {}, { parameters: new Map([['sequence_id', 42]]) }],
  ])('%s', async (_, parts, request) => {
    const { infer } = serveCounting(parts);
    await run(request);
    await run(request);
    expect(infer).toHaveBeenCalledTimes(2);
    expect(cache.counters).toMatchObject({ hits: 0, misses: 0, bytes: 0 });
  });

  it('in a cache of no bytes, nor larger than it', async () => {
    for (const [maxBytes, misses] of [
      [0, 0],
      [100, 2],
    ] as const) {
      cache = new FakeResponseCache(maxBytes);
      pipeline = new InferencePipeline(registry, [new CacheStage(cache, registry)]);
      const { infer } = serveCounting();
      await run();
      await run();
      expect(infer).toHaveBeenCalledTimes(2);
      expect(cache.counters).toMatchObject({ hits: 0, misses, bytes: 0 });
    }
  });
});

describe('a model that was loaded anew', () => {
  it('starts with nothing, and the answers of the old one are dropped', async () => {
    const { handle } = serveCounting();
    await run();
    serve(() => ({ y: fp32.of([1], [100]) }));
    expect(cache.dropped).toEqual([handle]);
    expect(await numberOfRun()).toBe(100);
  });

  it('never sees what the old one answers late', async () => {
    const gate = new Deferred();
    serve(async () => {
      await gate.promise;
      return { y: fp32.of([1], [1]) };
    });
    const late = run();
    serve(() => ({ y: fp32.of([1], [2]) }));
    gate.resolve();
    expect(numberOf(await late)).toBe(1);
    expect(cache.counters.bytes).toBe(0);
    expect(await numberOfRun()).toBe(2);
  });

  it('leaves the other versions and models their answers', async () => {
    const { infer } = serveCounting();
    const other = serveCounting({ name: 'other' });
    await run({ version: '1' });
    await run({ model: 'other' });
    registry.set('m', '2', { kind: 'loading' });
    registry.set('m', '2', { kind: 'ready' }, handleOf({ version: '2', scheduling: { cache: true } }));
    await run({ version: '1' });
    await run({ model: 'other' });
    expect(infer).toHaveBeenCalledOnce();
    expect(other.infer).toHaveBeenCalledOnce();
    expect(cache.dropped).toEqual([]);
  });

  it('is dropped when it is unloaded', async () => {
    const { handle } = serveCounting();
    await run();
    registry.set('m', '1', { kind: 'unloading' });
    registry.set('m', '1', { kind: 'unavailable', reason: 'unloaded' });
    expect(cache.dropped).toEqual([handle]);
  });
});

describe('A71: two callers', () => {
  const rows = signature({ inputs: { x: fp32(-1, 2) }, outputs: { y: fp32(-1, 2) } });
  const requestOfRow = (seed: number) => ({ id: `i-${seed}`, inputs: { x: fp32.of([1, 2], [seed, -seed]) } });
  const answers = (seeds: readonly number[]) =>
    Promise.all(
      seeds.map(async (seed) => {
        const { id, outputs } = await run(requestOfRow(seed));
        return [id, ...((outputs[0]?.tensor as Tensor<'FP32'> | undefined)?.numbers() ?? [])];
      }),
    );

  it("never see each other's rows, from batches or from the cache", async () => {
    const infer = vi.fn(({ x }: NamedTensors) => ({ y: (x as Tensor<'FP32'>).map((value) => value * 10) }));
    serve(infer, { signature: rows, scheduling: { cache: true, batching: { maxSize: 4 } } });
    const seeds = Array.from({ length: 20 }, (_, index) => index + 1);
    const expected = seeds.map((seed) => [`i-${seed}`, seed * 10, -seed * 10]);
    expect(await answers(seeds)).toEqual(expected);
    const runs = infer.mock.calls.length;
    expect(runs).toBeLessThan(20);
    expect((await answers(seeds.toReversed())).toReversed()).toEqual(expected);
    expect(infer).toHaveBeenCalledTimes(runs);
  });

  it('never see what another one did to an answer', async () => {
    const own = Float32Array.of(1, 2);
    serve(() => ({ y: fp32.of([2], own) }));
    const first = await run();
    own.fill(9);
    dataOf(first).fill(8);
    const second = await run();
    dataOf(second).fill(7);
    expect((await run()).outputs).toEqual([{ name: 'y', tensor: fp32.of([2], [1, 2]) }]);
    expect(cache.counters.hits).toBe(2);
  });
});

const requests = fc
  .record({
    id: fc.constantFrom('', 'a', 'b'),
    values: fc.array(fc.constantFrom(0, -0, 1, Number.NaN), { maxLength: 2 }),
    scale: fc.option(fc.constantFrom(1, -1), { nil: undefined }),
    all: fc.boolean(),
  })
  .map(({ id, values, scale, all }) =>
    requestOf({
      id,
      inputs: { x: fp32.of([values.length], values) },
      parameters: new Map(scale === undefined ? [] : [['scale', scale]]),
      outputs: all ? [] : [{ name: 'z', parameters: new Map() }],
    }),
  );

it('answers as the same model without a cache does', async () => {
  const both = signature({ inputs: { x: fp32(-1) }, outputs: { y: fp32(-1), z: fp32(1) } });
  const infer: NonNullable<ServableModel['infer']> = ({ x }, context) => {
    const { parameters, response } = context as InferContext;
    const scale = Number(parameters.get('scale') ?? 2);
    response.parameters.set('scaled', scale);
    return {
      y: (x as Tensor<'FP32'>).map((value) => 1 / (value * scale)),
      z: fp32.of([1], [parameters.size]),
    };
  };
  await fc.assert(
    fc.asyncProperty(fc.array(requests, { maxLength: 30 }), fc.nat(6_000), async (script, maxBytes) => {
      registry = new ModelRegistry();
      serve(infer, { signature: both });
      const memory = new MemoryResponseCache({ RESPONSE_CACHE_BYTES: maxBytes });
      const cached = new InferencePipeline(registry, [new CacheStage(memory, registry)]);
      const plain = new InferencePipeline(registry, []);
      for (const request of script) {
        const [given, expected] = [
          await cached.run(request, new FakeInferenceCall()),
          await plain.run(request, new FakeInferenceCall()),
        ];
        expect(given).toStrictEqual(expected);
        expect(memory.counters.bytes).toBeLessThanOrEqual(maxBytes);
      }
    }),
  );
});

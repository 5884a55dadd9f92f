import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fp32, type InferContext, type ModelConfig, ServingError, signature, type Tensor } from '#core';
import { defineModel, serve, type TestServer } from '#testing';
import { captureLog } from '../../../test/support/captured-log.js';
import type { EnsembleStep } from '../../core/model/model-config.js';
import { ModelLoader } from '../../engine/registry/model-loader.js';
import { Deferred } from '../../testing/deferred.js';
import { EnsembleRuntime } from './ensemble.runtime.js';

const rows = signature({ inputs: { a: fp32(-1, 2) }, outputs: { b: fp32(-1, 2) } });
const pair = signature({ inputs: { l: fp32(-1, 2), r: fp32(-1, 2) }, outputs: { sum: fp32(-1, 2) } });

const batches: number[] = [];
/** Merges what comes together, and notes the rows of each run. */
const Doubled = defineModel(
  'doubled',
  rows,
  ({ a }) => {
    batches.push(a.shape[0] ?? 0);
    return { b: a.map((value) => value * 2) };
  },
  {},
  { batching: { maxSize: 8 } },
);

const Negated = defineModel('negated', rows, ({ a }) => ({ b: a.map((value) => -value) }));

const Added = defineModel('added', pair, ({ l, r }) => {
  return { sum: l.map((value, index) => value + (r.data[index] ?? 0)) };
});

const Refusing = defineModel('refusing', rows, () => {
  throw new ServingError('failed-precondition', 'the scale is not set');
});

const Broken = defineModel('broken', rows, () => {
  throw new Error('secret');
});

const Who = defineModel('who', rows, ({ a }, { id, principal }: InferContext) => {
  throw new ServingError('failed-precondition', `${id} of ${principal?.name ?? 'nobody'} with ${a.shape[0] ?? 0} rows`);
});

let waiting: Deferred<AbortSignal>;
/** Never answers, and shows its signal. */
const Endless = defineModel('endless', rows, (_, { signal }: InferContext) => {
  waiting.resolve(signal);
  return new Promise(() => undefined);
});

const log = captureLog();
let server: TestServer;

beforeEach(async () => {
  batches.length = 0;
  waiting = new Deferred();
  server = await serve([Doubled, Negated, Added, Refusing, Broken, Who, Endless], {
    environment: { API_KEYS: 'ci:a-key-of-some-length' },
    headers: { 'x-api-key': 'a-key-of-some-length' },
  });
});

afterEach(() => server.close());

type StepParts = readonly [model: string, inputs: Record<string, string>, outputs: Record<string, string>];

const tensorOf = (name: string) => ({ name, data_type: 'TYPE_FP32', dims: [2], optional: false });

/** Serves steps as an ensemble from rows `x` to rows `y`. */
const loadEnsemble = (name: string, ...steps: readonly StepParts[]): Promise<void> => {
  const config = {
    name,
    max_batch_size: 8,
    input: [tensorOf('x')],
    output: [tensorOf('y')],
    ensemble_scheduling: {
      step: steps.map(([model_name, input_map, output_map]): EnsembleStep => {
        return { model_name, model_version: -1, input_map, output_map, model_namespace: '' };
      }),
      max_inflight_requests: 0,
    },
  } as unknown as ModelConfig;
  const runtime = server.get(EnsembleRuntime);
  const candidate = {
    version: '1',
    platform: 'ensemble',
    fingerprint: name,
    open: async () => ({
      ...(await runtime.load({ name, version: '1', path: `/${name}/1`, config })),
      scheduling: { maxBatchSize: config.max_batch_size },
    }),
  };
  return server.get(ModelLoader).load(name, async () => [candidate]);
};

/** 2x + -x, side by side. */
const loadSum = () =>
  loadEnsemble(
    'sum',
    ['added', { l: 'p', r: 'q' }, { sum: 'y' }],
    ['doubled', { a: 'x' }, { b: 'p' }],
    ['negated', { a: 'x' }, { b: 'q' }],
  );

const x = [
  [1, 2],
  [3, 4],
];

describe('an ensemble', () => {
  it('is a model as any other, over both wires', async () => {
    await loadSum();
    expect(await server.rest.infer('sum', { x })).toEqual({ y: x });
    expect(await server.grpc.infer('sum', { x })).toEqual({ y: x });
    expect((await server.rest.get('/v2/models/sum')).json).toMatchObject({
      name: 'sum',
      platform: 'ensemble',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 2] }],
    });
  });

  it('shares the batches of the models that it calls', async () => {
    await loadSum();
    const answers = await Promise.all([1, 2, 3].map((n) => server.models.infer('sum', { x: fp32.of([1, 2], [n, n]) })));
    expect(answers.map(({ y }) => (y as Tensor<'FP32'>).numbers())).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
    expect(batches).toEqual([3]);
  });

  it('may be a step of another one', async () => {
    await loadSum();
    await loadEnsemble('outer', ['sum', { x: 'x' }, { y: 'p' }], ['negated', { a: 'p' }, { b: 'y' }]);
    expect(await server.rest.infer('outer', { x })).toEqual({
      y: [
        [-1, -2],
        [-3, -4],
      ],
    });
  });

  it('is ready while the models of its steps are', async () => {
    await loadSum();
    const readiness = async () => (await server.rest.get('/v2/models/sum/ready')).status;
    expect(await readiness()).toBe(200);
    await server.rest.post('/v2/repository/models/negated/unload');
    expect(await readiness()).toBe(400);
    expect((await server.rest.get('/v2/health/ready')).status).toBe(400);
    await server.rest.post('/v2/repository/models/negated/load');
    expect(await readiness()).toBe(200);
  });

  it('is refused, with the reason, when it does not fit its models', async () => {
    await expect(loadEnsemble('wrong', ['added', { l: 'x', r: 'x' }, { total: 'y' }])).rejects.toMatchObject({
      code: 'invalid-argument',
      message:
        "load failed for model 'wrong': version 1 is at UNAVAILABLE state: in ensemble 'wrong', " +
        "ensemble tensor 'y' is mapped from non-existing output 'total' in model 'added';",
    });
  });
});

describe('a step that fails', () => {
  it('answers over both wires, and is named', async () => {
    await loadEnsemble('failing', ['doubled', { a: 'x' }, { b: 'p' }], ['refusing', { a: 'p' }, { b: 'y' }]);
    const message = "in ensemble 'failing', step 1 ('refusing'): the scale is not set";
    await expect(server.rest.infer('failing', { x })).rejects.toThrow(`400: ${message}`);
    await expect(server.grpc.infer('failing', { x })).rejects.toMatchObject({
      code: status.FAILED_PRECONDITION,
      details: message,
    });
  });

  it('tells what was not meant for callers to the log alone', async () => {
    await loadEnsemble('failing', ['broken', { a: 'x' }, { b: 'y' }]);
    await expect(server.rest.infer('failing', { x })).rejects.toThrow(
      "500: in ensemble 'failing', step 0 ('broken'): model 'broken' failed to execute the request",
    );
    expect(log()).toContain("step 0 ('broken')");
    expect(log()).toContain('Error: secret');
  });

  it('knows the id of the request, and who asks', async () => {
    await loadEnsemble('asking', ['who', { a: 'x' }, { b: 'y' }]);
    const inputs = [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [1, 2] }];
    const { json } = await server.rest.post('/v2/models/asking/infer', { id: 'i-1', inputs });
    expect(json).toEqual({ error: "in ensemble 'asking', step 0 ('who'): i-1 of ci with 1 rows" });
  });

  it('refuses rows that are of no use to it', async () => {
    await loadSum();
    const inputs = [{ name: 'x', datatype: 'FP32', shape: [9, 2], data: Array.from({ length: 18 }, () => 0) }];
    const { json } = await server.rest.post('/v2/models/sum/infer', { inputs });
    expect(json).toEqual({ error: "inference request batch-size must be <= 8 for 'sum'" });
  });
});

it('ends its steps with the caller', async () => {
  await loadEnsemble('slow', ['endless', { a: 'x' }, { b: 'y' }]);
  const gone = new AbortController();
  const call = server.grpc.call(
    'ModelInfer',
    {
      model_name: 'slow',
      inputs: [{ name: 'x', datatype: 'FP32', shape: ['1', '2'], contents: { fp32_contents: [1, 2] } }],
    },
    { signal: gone.signal },
  );
  const signal = await waiting.promise;
  const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  gone.abort();
  await expect(call).rejects.toMatchObject({ code: status.CANCELLED });
  await aborted;
  expect(signal.reason).toMatchObject({ code: 'cancelled' });
});

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { bytes, fp16, fp32, type Inputs, int32, int64, Model, optional, signature } from '#core';
import { defineModel, serve, type TestServer } from '#testing';
import { captureLog } from '../../../test/support/captured-log.js';
import { CallObserver } from '../../protocol/call/call-observer.js';

captureLog();

const values = signature({ inputs: { x: fp32(-1) }, outputs: { y: fp32(-1) } });
const rows = signature({ inputs: { x: fp32(-1, 2) }, outputs: { y: fp32(-1, 2) } });
const columns = signature({
  inputs: { n: int64(-1, 1), text: bytes(-1, 1), scale: optional(fp32(-1, 2)) },
  outputs: { n: int64(-1, 1), said: bytes(-1, 1) },
});
const apart = signature({ inputs: { x: int32(-1) }, outputs: { count: int32(1), x: int32(-1) } });
const wide = signature({ inputs: { x: fp32(-1, -1) }, outputs: { y: fp32(-1, -1) } });
const scalars = signature({ inputs: { x: int32(-1) }, outputs: { count: int32(), first: int32() } });
const halves = signature({ inputs: { x: fp32(-1) }, outputs: { y: fp16(-1) } });
const counting = signature({ inputs: { x: int32(1) }, outputs: { y: int32(1) } });

@Model('counting', counting)
class Counting {
  *stream({ x }: Inputs<typeof counting>) {
    yield { y: x };
  }
}

const models = [
  defineModel('wide', wide, ({ x }) => ({ y: x })),
  defineModel('values', values, ({ x }) => ({ y: x.map((value) => value * 2) })),
  defineModel('rows', rows, ({ x }) => ({ y: x.map((value) => value + 1) })),
  defineModel('columns', columns, ({ n, text }) => ({ n, said: text })),
  defineModel('apart', apart, ({ x }) => ({ count: int32.of([1], [x.data.length]), x })),
  defineModel('scalars', scalars, ({ x }) => ({
    count: int32.of([], [x.data.length]),
    first: int32.of([], x.data.slice(0, 1)),
  })),
  defineModel('halves', halves, ({ x }) => ({ y: fp16.of(x.shape, x.data) })),
  defineModel('name: with colon', values, ({ x }) => ({ y: x })),
  Counting,
];

let server: TestServer;
beforeAll(async () => {
  server = await serve(models);
});
afterAll(() => server.close());

const predict = async (model: string, body: unknown) => {
  const reply = await server.rest.post(`/v1/models/${encodeURIComponent(model)}:predict`, body);
  const { status, headers, bytes: text } = reply;
  expect(headers.get('content-type')).toContain('application/json');
  return [status, text.toString()];
};

const predicted = (text: string) => [200, `{"predictions":${text}}`];
const refused = (text: string, status = 400) => [status, expect.stringContaining(text) as string];

describe('models', () => {
  it('are listed by name', async () => {
    expect((await server.rest.get('/v1/models')).json).toEqual({
      models: ['apart', 'columns', 'counting', 'halves', 'name: with colon', 'rows', 'scalars', 'values', 'wide'],
    });
  });

  it('are ready, unknown, or neither', async () => {
    expect((await server.rest.get('/v1/models/values')).json).toEqual({ name: 'values', ready: true });
    const unknown = await server.rest.get('/v1/models/nope');
    expect([unknown.status, unknown.json]).toEqual([404, { error: "Request for unknown model: 'nope' is not found" }]);
    await server.rest.post('/v2/repository/models/halves/unload');
    const unloaded = await server.rest.get('/v1/models/halves');
    expect([unloaded.status, unloaded.json]).toEqual([
      503,
      { name: 'halves', ready: false, error: 'Model with name halves is not ready.' },
    ]);
    expect((await server.rest.get('/v1/models')).json).toEqual({
      models: ['apart', 'columns', 'counting', 'name: with colon', 'rows', 'scalars', 'values', 'wide'],
    });
    await server.rest.post('/v2/repository/models/halves/load');
  });
});

describe('a prediction', () => {
  it.each<[string, unknown, string]>([
    ['values', { instances: [1, 2.5] }, '[2,5]'],
    ['values', { instances: [] }, '[]'],
    ['values', { instances: [{ x: 1 }, { x: 2 }] }, '[2,4]'],
    ['values', { inputs: [1, 2] }, '[2,4]'],
    ['values', { inputs: { x: [1, 2] }, signature_name: 'ignored' }, '[2,4]'],
    ['values', '{"instances":[NaN,-Infinity]}', '[NaN,-Infinity]'],
    [
      'rows',
      {
        instances: [
          [1, 2],
          [3, 4],
        ],
      },
      '[[2,3],[4,5]]',
    ],
    ['rows', { instances: [{ x: [1, 2] }] }, '[[2,3]]'],
    ['wide', { instances: [1, 2] }, '[[1],[2]]'],
    [
      'columns',
      '{"instances":[{"text":"a","n":9007199254740993},{"n":2,"text":"ü"}]}',
      '[{"n":[9007199254740993],"said":["a"]},{"n":[2],"said":["ü"]}]',
    ],
    ['columns', { inputs: { n: [[1], [2]], text: [['a'], ['b']] } }, '[{"n":[1],"said":["a"]},{"n":[2],"said":["b"]}]'],
    ['apart', { instances: [5, 6] }, '{"count":[2],"x":[5,6]}'],
    ['apart', { instances: [5] }, '[{"count":1,"x":5}]'],
    ['scalars', { instances: [5, 6] }, '{"count":2,"first":5}'],
    ['name: with colon', { instances: [1] }, '[1]'],
  ])('of %s on %j', async (model, body, expected) => {
    expect(await predict(model, body)).toEqual(predicted(expected));
  });

  it('tells observers of calls the version that gave it', async () => {
    const finished = vi.spyOn(server.get(CallObserver), 'finished');
    await predict('values', { instances: [1] });
    await vi.waitFor(() => expect(finished).toHaveBeenCalledOnce());
    expect(finished.mock.calls[0]?.[0]).toMatchObject({ model: 'values', version: '1' });
  });

  it.each<[string, unknown, string, number?]>([
    ['nope', { instances: [1] }, "Request for unknown model: 'nope' is not found", 404],
    ['values', '{', 'the body is not JSON'],
    ['values', '', 'the body is empty'],
    ['values', [1], 'must be a JSON object'],
    ['values', {}, 'Expected either'],
    ['values', { instances: [1], inputs: [1] }, 'Expected either'],
    ['values', '{"instances":[1],"instances":[2]}', "'instances' stands twice in the request"],
    ['values', { instances: 7 }, 'to be a list, got 7'],
    ['values', { instances: ['a'] }, "input 'x' of datatype FP32 takes a number"],
    ['values', { instances: [1, [2]] }, "input 'x' is ragged"],
    ['rows', { instances: [1, 2] }, 'got [2]'],
    ['values', { instances: [[1, 2]] }, "unexpected shape for input 'x' for model 'values'"],
    ['values', { instances: [{ z: 1 }] }, "unexpected inference input 'z' for model 'values'"],
    ['values', '{"instances":[{"__proto__":1}]}', "unexpected inference input '__proto__'"],
    ['values', { instances: [{ x: 1 }, 2] }, 'instance 1 must be an object as the first is, got 2'],
    ['values', { instances: [{ x: 1 }, { z: 2 }] }, 'instance 1 has the inputs [z], the first one [x]'],
    ['values', { instances: [{ x: 1 }, { x: 2, z: 3 }] }, 'instance 1 has the inputs [x, z], the first one [x]'],
    ['columns', { instances: [1, 2] }, "model 'columns' has the inputs 'n', 'text', 'scale': name them"],
    ['columns', { instances: [{ n: 1 }] }, "missing required input(s) ['text']"],
    ['halves', { instances: [1] }, 'sending FP16 data via JSON is not supported'],
    ['counting', { instances: [1] }, "doesn't support models with decoupled transaction policy", 501],
    ['values', `{"instances":${'['.repeat(200)}1${']'.repeat(200)}}`, "unexpected shape for input 'x'"],
  ])('of %s refuses %j', async (model, body, text, status) => {
    expect(await predict(model, body)).toEqual(refused(text, status));
  });
});

it('other verbs, versions and methods are none of its routes', async () => {
  const found = await Promise.all([
    server.rest.post('/v1/models/values:explain', { instances: [1] }),
    server.rest.post('/v1/models/values/versions/1:predict', { instances: [1] }),
    server.rest.send('/v1/models', { method: 'DELETE' }),
  ]);
  expect(found.map(({ status, json }) => [status, json])).toEqual([
    [405, { error: 'Method Not Allowed' }],
    [404, { error: 'Not Found' }],
    [405, { error: 'Method Not Allowed' }],
  ]);
});

it('switched off, its routes are as good as absent', async () => {
  await using without = await serve(models, { environment: { KSERVE_V1: 'false' } });
  const found = await Promise.all([
    without.rest.get('/v1/models'),
    without.rest.get('/v1/models/values'),
    without.rest.post('/v1/models/values:predict', { instances: [1] }),
  ]);
  expect(found.map(({ status, json }) => [status, json])).toEqual(found.map(() => [404, { error: 'Not Found' }]));
  expect((await without.rest.get('/v2/models')).status).toBe(200);
});

import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fp32 } from '#core';
import { defineModel, serve, type ServeOptions, type TestServer } from '#testing';
import { captureLog } from '../../test/support/captured-log.js';
import { vector } from '../../test/support/engine.js';
import { FixtureRepository } from '../../test/support/fixture-repository.js';
import { type Answer, get, infer, post, rpc, type Wire, WIRES } from '../../test/support/wires.js';
import { Deferred } from '../testing/deferred.js';

const FIXTURES = join(import.meta.dirname, '../../test/fixtures/models');

captureLog();

let repository: FixtureRepository;
let server: TestServer;

beforeEach(async () => {
  repository = await FixtureRepository.of(['plus_one', 'plus_two']);
});

afterEach(async () => {
  await server?.close();
  await repository[Symbol.asyncDispose]();
});

const start = async (
  environment: Record<string, string> = {},
  options: Partial<ServeOptions> = {},
  models: Parameters<typeof serve>[0] = [],
): Promise<void> => {
  server = await serve(models, {
    ...options,
    environment: { MODEL_REPOSITORY: repository.path, ALLOW_EMPTY_REPOSITORY: 'false', ...environment },
  });
};

/** Puts a fixture in the place of a model's file, or where there was none. */
async function put(fixture: string, model: string, version = '1'): Promise<void> {
  await mkdir(join(repository.path, model, version), { recursive: true });
  await cp(join(FIXTURES, `${fixture}.onnx`), join(repository.path, model, version, 'model.onnx'));
}

const removeVersion = (model: string, version: string) =>
  rm(join(repository.path, model, version), { recursive: true });

interface Repository {
  index(options?: { ready?: boolean }): Promise<Answer>;
  load(model: string): Promise<Answer>;
  unload(model: string): Promise<Answer>;
  ready(model: string): Promise<boolean>;
  serverReady(): Promise<boolean>;
  /** The sum that the model gives for 10, or the error. */
  add(model: string, version?: string): Promise<number | string>;
}

const addition = (model: string, version = '') =>
  infer({
    model,
    version,
    inputs: [{ name: 'INPUT0', datatype: 'FP32', shape: [1], data: [10] }],
    outputs: ['OUTPUT0'],
  });

const sumOf = ({ message, outputs: [output] }: Answer): number | string =>
  Number(output?.data?.[0] ?? output?.raw?.readFloatLE() ?? Number.NaN) || message;

const isReady = ({ reply }: Answer): boolean => (reply as { ready?: boolean }).ready ?? false;

/** The same questions over either wire. */
const OVER: Readonly<Record<Wire, Repository>> = {
  grpc: {
    index: ({ ready } = {}) => rpc('RepositoryIndex', ready === undefined ? {} : { ready })(server),
    load: (model) => rpc('RepositoryModelLoad', { model_name: model })(server),
    unload: (model) => rpc('RepositoryModelUnload', { model_name: model })(server),
    ready: async (name) => isReady(await rpc('ModelReady', { name })(server)),
    serverReady: async () => isReady(await rpc('ServerReady')(server)),
    add: async (model, version) => sumOf(await addition(model, version).grpc(server)),
  },
  rest: {
    index: (body) => post('/v2/repository/index', body)(server),
    load: (model) => post(`/v2/repository/models/${encodeURIComponent(model)}/load`)(server),
    unload: (model) => post(`/v2/repository/models/${encodeURIComponent(model)}/unload`)(server),
    ready: async (name) => (await get(`/v2/models/${encodeURIComponent(name)}/ready`)(server)).status === 200,
    serverReady: async () => (await get('/v2/health/ready')(server)).status === 200,
    add: async (model, version) => sumOf(await addition(model, version).rest(server)),
  },
};

interface Entry {
  readonly name: string;
  readonly version?: string;
  readonly state?: string;
  readonly reason?: string;
}

/** The lines of an index, without what is empty in them. */
const entries = ({ reply }: Answer): readonly Entry[] =>
  (Array.isArray(reply) ? (reply as Entry[]) : ((reply as { models?: Entry[] }).models ?? [])).map(
    (entry) => Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== '')) as unknown as Entry,
  );

const READY = { version: '1', state: 'READY' };
const UNLOADED = { version: '1', state: 'UNAVAILABLE', reason: 'unloaded' };
/** Each wire's way to say that something went well, or wrong. */
const STATUS = {
  ok: { grpc: 'OK', rest: 200 },
  invalid: { grpc: 'INVALID_ARGUMENT', rest: 400 },
  notFound: { grpc: 'NOT_FOUND', rest: 404 },
  unavailable: { grpc: 'UNAVAILABLE', rest: 503 },
  unimplemented: { grpc: 'UNIMPLEMENTED', rest: 501 },
} as const;

describe.each(WIRES)('over %s', (wire) => {
  const over = OVER[wire];

  describe('the index', () => {
    it('lists every model; one that was never loaded has only a name', async () => {
      await start({ LOAD_MODELS: 'plus_two' }, {}, [defineModel('code', vector, ({ x }) => ({ y: x }))]);
      expect(entries(await over.index())).toEqual([
        { name: 'code' },
        { name: 'plus_one' },
        { name: 'plus_two', ...READY },
      ]);
    });

    it('lists those that serve when it is asked for them', async () => {
      await put('plus_one', 'plus_two', '3');
      await start({ LOAD_MODELS: 'plus_two' });
      const both = [
        { name: 'plus_two', ...READY },
        { name: 'plus_two', version: '3', state: 'READY' },
      ];
      expect(entries(await over.index({ ready: true }))).toEqual(both);
      expect(entries(await over.index({ ready: false }))).toEqual([{ name: 'plus_one' }, ...both]);
      await over.unload('plus_two');
      expect(entries(await over.index({ ready: true }))).toEqual([]);
    });

    it('sees what comes into the repository, and what goes', async () => {
      await start({ LOAD_MODELS: ',' });
      await put('scalar', 'another');
      expect(entries(await over.index()).map(({ name }) => name)).toEqual(['another', 'plus_one', 'plus_two']);
      await rm(join(repository.path, 'plus_one'), { recursive: true });
      expect(entries(await over.index()).map(({ name }) => name)).toEqual(['another', 'plus_two']);
    });
  });

  describe('a load', () => {
    it('serves the model from then on, an unload from then on no more', async () => {
      await start({ LOAD_MODELS: ',' });
      expect(await over.add('plus_one')).toBe("Request for unknown model: 'plus_one' is not found");
      expect(await over.load('plus_one')).toMatchObject({ status: STATUS.ok[wire] });
      expect(await over.add('plus_one')).toBe(11);
      expect(entries(await over.index())).toEqual([{ name: 'plus_one', ...READY }, { name: 'plus_two' }]);
      expect(await over.unload('plus_one')).toMatchObject({ status: STATUS.ok[wire] });
      expect(await over.add('plus_one')).toBe("Request for unknown model: 'plus_one' has no available versions");
      expect(await over.add('plus_one', '1')).toBe(
        "Request for unknown model: 'plus_one' version 1 is not at ready state",
      );
      expect(entries(await over.index())).toEqual([{ name: 'plus_one', ...UNLOADED }, { name: 'plus_two' }]);
      expect(await over.load('plus_one')).toMatchObject({ status: STATUS.ok[wire] });
      expect(await over.add('plus_one')).toBe(11);
    });

    it('of a model that is there takes its changed files', async () => {
      await start();
      expect(await over.add('plus_two')).toBe(12);
      await put('plus_one', 'plus_two');
      expect(await over.add('plus_two')).toBe(12);
      expect(await over.load('plus_two')).toMatchObject({ status: STATUS.ok[wire] });
      expect(await over.add('plus_two')).toBe(11);
    });

    it('of broken files fails, and the old ones serve on', async () => {
      await start();
      await put('corrupt', 'plus_two');
      const failed = await over.load('plus_two');
      expect(failed.status).toBe(STATUS.invalid[wire]);
      expect(failed.message).toMatch(/^load failed for model 'plus_two': version 1 is at UNAVAILABLE state: .+;$/);
      expect(failed.message).not.toContain(repository.path);
      expect(await over.add('plus_two')).toBe(12);
      expect(entries(await over.index())[1]).toEqual({
        name: 'plus_two',
        ...READY,
        reason: expect.stringMatching(/./),
      });
      expect([await over.ready('plus_two'), await over.serverReady()]).toEqual([true, true]);
      await put('plus_one', 'plus_two');
      expect(await over.load('plus_two')).toMatchObject({ status: STATUS.ok[wire] });
      expect(await over.add('plus_two')).toBe(11);
      expect(entries(await over.index())[1]).toEqual({ name: 'plus_two', ...READY });
    });

    it('of broken files where nothing served leaves the reason in the index', async () => {
      await put('corrupt', 'plus_one');
      await start({ LOAD_MODELS: ',' });
      expect(await over.load('plus_one')).toMatchObject({ status: STATUS.invalid[wire] });
      expect(entries(await over.index())[0]).toEqual({
        name: 'plus_one',
        version: '1',
        state: 'UNAVAILABLE',
        reason: expect.stringMatching(/model\.onnx/),
      });
      expect(await over.serverReady()).toBe(true);
    });

    it('finds new versions, and lets those go that are gone', async () => {
      await start();
      await put('plus_two', 'plus_one', '10');
      expect(await over.add('plus_one', '10')).toBe("Request for unknown model: 'plus_one' version 10 is not found");
      await over.load('plus_one');
      expect([await over.add('plus_one'), await over.add('plus_one', '1'), await over.add('plus_one', '10')]).toEqual([
        12, 11, 12,
      ]);
      await removeVersion('plus_one', '10');
      await over.load('plus_one');
      expect(await over.add('plus_one')).toBe(11);
      expect(await over.add('plus_one', '10')).toBe(
        "Request for unknown model: 'plus_one' version 10 is not at ready state",
      );
      await put('plus_two', 'plus_one', '10');
      await over.load('plus_one');
      expect(await over.add('plus_one')).toBe(12);
    });

    it.each([
      ['nobody', "failed to load 'nobody', failed to poll from model repository"],
      ['empty', "failed to load 'empty', failed to poll from model repository"],
    ])('of a model without versions is not found: %s', async (model, message) => {
      await mkdir(join(repository.path, 'empty'));
      await start({ LOAD_MODELS: ',' });
      expect(await over.load(model)).toMatchObject({ status: STATUS.notFound[wire], message });
    });

    // A client of HTTP walks up a path by itself where a segment is a dot or two.
    const outside = ['../plus_one', 'a/b', ' .. ', 'a\\b', ...(wire === 'grpc' ? ['..', '.'] : [])];

    it.each(outside)('refuses %j, which is no name of a model', async (model) => {
      await start({ LOAD_MODELS: ',' });
      expect(await over.load(model)).toMatchObject({
        status: STATUS.invalid[wire],
        message: 'model name must not contain path traversal characters',
      });
      expect(await over.unload(model)).toMatchObject({ status: STATUS.ok[wire] });
    });

    it.each(['...', '..my_model', 'model..1'])('looks for %j like for any other', async (model) => {
      await put('plus_one', model);
      await start({ LOAD_MODELS: ',' });
      const hidden = model.startsWith('.');
      expect(await over.load(model)).toMatchObject({ status: hidden ? STATUS.notFound[wire] : STATUS.ok[wire] });
    });

    it('refuses a blank name', async () => {
      await start({ LOAD_MODELS: ',' });
      expect(await over.load(' ')).toMatchObject({
        status: STATUS.invalid[wire],
        message: 'Model name cannot be empty. Please enter a valid name to deploy.',
      });
    });
  });

  describe('an unload', () => {
    it('of a model that nobody knows is fine', async () => {
      await start();
      expect(await over.unload('nobody')).toMatchObject({ status: STATUS.ok[wire] });
    });

    it('lets running requests finish', async () => {
      const [started, gate] = [new Deferred(), new Deferred()];
      const unloaded = new Deferred();
      const slow = defineModel(
        'slow',
        vector,
        async () => {
          started.resolve();
          await gate.promise;
          return { y: fp32.of([1], [42]) };
        },
        { unload: unloaded.resolve },
      );
      await start({}, {}, slow);
      const request = { model: 'slow', inputs: [{ name: 'x', datatype: 'FP32', shape: [1], data: [1] }] };
      const running = infer(request)[wire](server);
      await started.promise;
      await over.unload('slow');
      expect(entries(await over.index()).at(-1)).toEqual({ name: 'slow', version: '1', state: 'UNLOADING' });
      expect(await infer(request)[wire](server)).toMatchObject({ status: STATUS.unavailable[wire] });
      gate.resolve();
      expect(sumOf(await running)).toBe(42);
      await unloaded.promise;
      await over.load('slow');
      expect(sumOf(await infer(request)[wire](server))).toBe(42);
    });
  });

  describe('readiness', () => {
    it('asks for every model where all were asked for', async () => {
      await put('corrupt', 'plus_one');
      await start({}, { unready: true });
      await server.settled();
      expect(await over.serverReady()).toBe(false);
      expect([await over.ready('plus_one'), await over.ready('plus_two')]).toEqual([false, true]);
      await over.unload('plus_one');
      expect(await over.serverReady()).toBe(true);
    });

    it('asks for those that were named', async () => {
      await put('corrupt', 'plus_one');
      await start({ LOAD_MODELS: 'plus_two' });
      expect(await over.serverReady()).toBe(true);
      expect(entries(await over.index({ ready: true })).map(({ name }) => name)).toEqual(['plus_two']);
    });

    it('waits for a model that was named, and is not there', async () => {
      await start({ LOAD_MODELS: 'plus_two,nobody' }, { unready: true });
      await server.settled();
      expect(await over.serverReady()).toBe(false);
      await put('plus_one', 'nobody');
      await over.load('nobody');
      expect(await over.serverReady()).toBe(true);
    });

    it('asks for nothing where nothing was asked for', async () => {
      await start({ LOAD_MODELS: ',' });
      expect(await over.serverReady()).toBe(true);
      expect(entries(await over.index({ ready: true }))).toEqual([]);
    });

    it.each([
      ['false', false],
      ['true', true],
    ])(
      'of an empty repository, where all was asked for, is what ALLOW_EMPTY_REPOSITORY says: %s',
      async (allowed, ready) => {
        for (const model of ['plus_one', 'plus_two']) await rm(join(repository.path, model), { recursive: true });
        await start({ ALLOW_EMPTY_REPOSITORY: allowed });
        expect(await over.serverReady()).toBe(ready);
        await put('plus_one', 'plus_one');
        await over.load('plus_one');
        expect(await over.serverReady()).toBe(true);
      },
    );
  });

  it('refuses to load and unload with MODEL_CONTROL_MODE=none, where everything is loaded', async () => {
    await start({ MODEL_CONTROL_MODE: 'none', LOAD_MODELS: 'plus_one' });
    const refusal = {
      status: STATUS.unavailable[wire],
      message: 'explicit model load / unload is not allowed if polling is enabled',
    };
    expect(await over.load('plus_one')).toMatchObject(refusal);
    expect(await over.unload('plus_one')).toMatchObject(refusal);
    expect([await over.add('plus_one'), await over.add('plus_two')]).toEqual([11, 12]);
    expect(entries(await over.index())).toHaveLength(2);
  });
});

describe('the replies', () => {
  it('name the model, in the words of each wire', async () => {
    await start();
    const model_name = 'plus_one';
    expect((await rpc('RepositoryModelLoad', { model_name })(server)).reply).toMatchObject({
      model_name,
      isLoaded: true,
    });
    expect((await rpc('RepositoryModelUnload', { model_name })(server)).reply).toMatchObject({
      model_name,
      isUnloaded: true,
    });
    expect((await post('/v2/repository/models/plus_one/load')(server)).reply).toEqual({ name: model_name, load: true });
    expect((await post('/v2/repository/models/plus_one/unload')(server)).reply).toEqual({
      name: model_name,
      unload: true,
    });
  });
});

describe('the parameters', () => {
  const file = Buffer.from('model').toString('base64');

  it.each<[string, Record<string, unknown>, Record<string, object>, keyof typeof STATUS, string]>([
    ['load', { k: 1 }, { k: { int64_param: 1 } }, 'invalid', "unrecognized load parameter 'k'."],
    [
      'load',
      { config: true },
      { config: { bool_param: true } },
      'invalid',
      "invalid value type for load parameter 'config', expected string_param.",
    ],
    [
      'load',
      { 'file:1/model.onnx': 7 },
      { 'file:1/model.onnx': { int64_param: 7 } },
      'invalid',
      "invalid value type for load parameter 'file:1/model.onnx', expected bytes_param.",
    ],
    [
      'load',
      { 'file:1/model.onnx': file },
      { 'file:1/model.onnx': { bytes_param: Buffer.from('model') } },
      'invalid',
      "Load parameter 'config' must be specified for model file override",
    ],
    ['unload', { k: 1 }, { k: { int64_param: 1 } }, 'invalid', "unrecognized unload parameter 'k'."],
    [
      'unload',
      { unload_dependents: 'yes' },
      { unload_dependents: { string_param: 'yes' } },
      'invalid',
      "invalid value type for unload parameter 'unload_dependents', expected bool_param.",
    ],
    ['unload', { unload_dependents: true }, { unload_dependents: { bool_param: true } }, 'ok', ''],
    ['load', {}, {}, 'ok', ''],
  ])('of %s %j', async (action, parameters, map, status, message) => {
    await start();
    const method = action === 'load' ? 'RepositoryModelLoad' : 'RepositoryModelUnload';
    const answers = [
      await rpc(method, { model_name: 'plus_one', parameters: map })(server),
      await post(`/v2/repository/models/plus_one/${action}`, { parameters })(server),
    ];
    expect(answers).toMatchObject([
      { status: STATUS[status].grpc, message },
      { status: STATUS[status].rest, message },
    ]);
  });

  it('of the index may be nothing but the filter', async () => {
    await start();
    expect(await post('/v2/repository/index', { ready: 'yes' })(server)).toMatchObject({
      status: 400,
      message: "Invalid value for 'ready': expected a boolean",
    });
    expect(await post('/v2/repository/index', {})(server)).toMatchObject({ status: 200 });
  });

  it('may not name a repository', async () => {
    await start();
    const message = "'repository_name' specification is not supported";
    const both = { repository_name: 'r', model_name: 'plus_one' };
    for (const answer of [
      await rpc('RepositoryIndex', { repository_name: 'r' })(server),
      await rpc('RepositoryModelLoad', both)(server),
      await rpc('RepositoryModelUnload', both)(server),
    ]) {
      expect(answer).toMatchObject({ status: 'UNIMPLEMENTED', message });
    }
    expect(await post('/v2/repository/r/index')(server)).toMatchObject({ status: 501, message });
  });
});

describe('other dialects', () => {
  it('may carry the name of the model in the field of the repository', async () => {
    await start({ LOAD_MODELS: ',' });
    const kserve = { repository_name: 'plus_one' };
    expect((await rpc('RepositoryModelLoad', kserve)(server)).reply).toMatchObject({
      model_name: 'plus_one',
      isLoaded: true,
    });
    expect(await OVER.grpc.add('plus_one')).toBe(11);
    expect((await rpc('RepositoryModelUnload', kserve)(server)).reply).toMatchObject({
      model_name: 'plus_one',
      isUnloaded: true,
    });
    expect(await OVER.grpc.add('plus_one')).toContain('has no available versions');
    expect(await rpc('RepositoryModelLoad', {})(server)).toMatchObject({
      status: 'INVALID_ARGUMENT',
      message: 'Model name cannot be empty. Please enter a valid name to deploy.',
    });
  });

  it('may ask a service of its own for the repository', async () => {
    await start({ LOAD_MODELS: ',' });
    const service = 'inference.model_repository.ModelRepositoryService';
    const ask = (method: string, message = {}) => rpc(method, message, { service })(server);
    expect((await ask('RepositoryModelLoad', { model_name: 'plus_one' })).status).toBe('OK');
    expect((await ask('RepositoryIndex', { ready: true })).reply).toMatchObject({
      models: [{ name: 'plus_one', ...READY }],
    });
    expect((await ask('RepositoryModelUnload', { model_name: 'plus_one' })).status).toBe('OK');
    expect((await ask('RepositoryIndex', { ready: true })).reply).toMatchObject({});
    expect(await ask('RepositoryModelLoad', { model_name: 'nobody' })).toMatchObject({ status: 'NOT_FOUND' });
  });
});

describe('the start', () => {
  it('fails where a model in code has the name of a folder', async () => {
    const twin = defineModel('plus_one', vector, ({ x }) => ({ y: x }));
    await expect(start({}, {}, twin)).rejects.toThrow(
      `model 'plus_one' stands twice, as class DefinedModel and as folder ${join(repository.path, 'plus_one')}: rename one`,
    );
    await start({ LOAD_MODELS: 'plus_two' });
  });

  it('serves models in code and in folders side by side', async () => {
    await start(
      {},
      {},
      defineModel('code', vector, ({ x }) => ({ y: x })),
    );
    expect(await server.rest.infer('code', { x: [1] })).toEqual({ y: [1] });
    expect([await OVER.grpc.add('plus_one'), await OVER.rest.add('plus_two')]).toEqual([11, 12]);
  });
});

import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type InferContext, ServingError } from '#core';
import { defineModel } from '#testing';
import { captureLog } from '../../test/support/captured-log.js';
import { fp32Tensor, outputsByName, putModel } from '../../test/support/configured-folders.js';
import { vector } from '../../test/support/engine.js';
import { FixtureRepository } from '../../test/support/fixture-repository.js';
import { servedRepository } from '../../test/support/served-repository.js';
import { type Answer, infer, post, rpc, WIRES } from '../../test/support/wires.js';
import { ModelRegistry } from '../engine/registry/model-registry.js';

/** The layout of MLServer, both layouts in one repository, and several repositories. */

captureLog();

let other: FixtureRepository;

beforeEach(async () => {
  other = await FixtureRepository.of([]);
});

afterEach(() => other[Symbol.asyncDispose]());

const served = servedRepository();
const { put, start, failure } = served;

const settings = (folder: string, values: object): Promise<void> =>
  served.repository.write(join(folder, 'model-settings.json'), JSON.stringify(values));

const registry = (): ModelRegistry => served.server.get(ModelRegistry);
const versionsOf = (model: string) => (registry().versionsOf(model) ?? []).map(({ version }) => version);

interface Line {
  readonly name: string;
  readonly version?: string;
  readonly state?: string;
  readonly reason?: string;
}

describe.each(WIRES)('over %s', (wire) => {
  const run = (model: string, version = ''): Promise<Answer> =>
    infer({ model, version, inputs: [fp32Tensor('INPUT0', [1], [1])] })[wire](served.server);
  const index = async (): Promise<readonly Line[]> => {
    const { reply } = await { grpc: rpc('RepositoryIndex'), rest: post('/v2/repository/index') }[wire](served.server);
    return Array.isArray(reply) ? reply : (reply as { models: Line[] }).models;
  };

  describe('a model with settings', () => {
    it('runs on the runtime that its implementation names, by backend or platform', async () => {
      await served.repository.put('plus_one', 'a/model.onnx');
      await settings('a', { implementation: 'onnxruntime' });
      await served.repository.put('plus_two', 'deep/down/weights/some.onnx');
      await settings('deep/down', {
        name: 'b',
        implementation: 'onnxruntime_onnx',
        parameters: { uri: './weights/some.onnx' },
      });
      await start();
      expect([outputsByName(await run('a')), outputsByName(await run('b'))]).toEqual([
        { OUTPUT0: [2] },
        { OUTPUT0: [3] },
      ]);
      expect((await index()).map(({ name }) => name)).toEqual(['a', 'b']);
      expect(registry().resolve('a', '').platform).toBe('onnxruntime_onnx');
    });

    it('has versions of free text, each in a folder of its own', async () => {
      for (const [folder, fixture, version] of [
        ['sum/old', 'plus_one', 'v1.2.3'],
        ['sum/new', 'plus_two', '2'],
      ] as const) {
        await served.repository.put(fixture, `${folder}/model.onnx`);
        await settings(folder, { name: 'sum', implementation: 'onnxruntime', parameters: { version } });
      }
      await start();
      expect(versionsOf('sum')).toEqual(['v1.2.3', '2']);
      expect(outputsByName(await run('sum', 'v1.2.3'))).toEqual({ OUTPUT0: [2] });
      expect(outputsByName(await run('sum'))).toEqual({ OUTPUT0: [3] });
    });

    it('merges requests by max_batch_size and max_batch_time, in seconds', async () => {
      await served.repository.put('rows', 'm/model.onnx');
      await settings('m', {
        implementation: 'onnxruntime',
        max_batch_size: 2,
        max_batch_time: 60,
        cache_enabled: true,
      });
      await start();
      expect(registry().resolve('m', '').config).toMatchObject({
        max_batch_size: 2,
        dynamic_batching: { max_queue_delay_microseconds: 60_000_000 },
        response_cache: { enable: true },
      });
      const one = () =>
        infer({ model: 'm', inputs: [fp32Tensor('INPUT0', [1, 4], [1, 2, 3, 4])], outputs: ['OUTPUT1'] })[wire](
          served.server,
        );
      const answers = await Promise.all([one(), one()]);
      expect(answers.map(outputsByName)).toEqual([{ OUTPUT1: [2, 3, 4, 5] }, { OUTPUT1: [2, 3, 4, 5] }]);
    });

    it('may be a class under another name, which is loaded before it', async () => {
      let loaded = 0;
      const Code = defineModel(
        'code',
        vector,
        ({ x }, { id }: InferContext) => {
          if (id === 'fail') throw new ServingError('failed-precondition', 'asked to');
          return { y: x.map((value) => value * 3) };
        },
        { load: () => void loaded++ },
      );
      await settings('triple', { implementation: 'code' });
      await start({ LOAD_MODELS: 'triple' }, {}, Code);
      const ask = (id: string) =>
        infer({ model: 'triple', id, inputs: [fp32Tensor('x', [2], [1, 2])] })[wire](served.server);
      expect(outputsByName(await ask('a'))).toEqual({ y: [3, 6] });
      expect((await ask('fail')).message).toBe('asked to');
      expect(loaded).toBe(1);
    });
  });

  it('has both layouts in one repository, and several repositories', async () => {
    await put('triton', { versions: { 3: 'plus_one' }, config: 'backend: "onnxruntime"' });
    await served.repository.put('plus_two', 'mlserver/model.onnx');
    await settings('mlserver', { implementation: 'onnxruntime' });
    await putModel(other, 'elsewhere', { versions: { 1: 'plus_two' } });
    await start({ MODEL_REPOSITORY: `${served.repository.path}, ${other.path}` });
    expect(await index()).toMatchObject([
      { name: 'elsewhere', version: '1', state: 'READY' },
      { name: 'mlserver', version: '1', state: 'READY' },
      { name: 'triton', version: '3', state: 'READY' },
    ]);
    expect(outputsByName(await run('elsewhere'))).toEqual({ OUTPUT0: [3] });
  });

  it('has an index that tells of a name that has come to stand twice, while the first serves', async () => {
    await put('m', { versions: { 1: 'plus_one' } });
    await start({ MODEL_REPOSITORY: `${served.repository.path},${other.path}` });
    await putModel(other, 'm', { versions: { 1: 'plus_two' } });
    expect(await index()).toMatchObject([
      { name: 'm', version: '1', state: 'READY' },
      { name: 'm', state: 'UNAVAILABLE', reason: "model 'm' stands twice: rename one" },
    ]);
    const load = { grpc: rpc('RepositoryModelLoad', { model_name: 'm' }), rest: post('/v2/repository/models/m/load') };
    expect((await load[wire](served.server)).message).toBe("failed to load 'm', failed to poll from model repository");
    expect(outputsByName(await run('m'))).toEqual({ OUTPUT0: [2] });
  });
});

describe('a name that stands twice ends the start', () => {
  it('in two repositories', async () => {
    await put('m', { versions: { 1: 'plus_one' } });
    await putModel(other, 'm', { versions: { 1: 'plus_one' } });
    await expect(start({ MODEL_REPOSITORY: `${served.repository.path},${other.path}` })).rejects.toThrow(
      `model 'm' stands twice, as folder ${join(served.repository.path, 'm')} and as folder ${join(other.path, 'm')}: rename one`,
    );
    await start();
  });

  it('in two settings of the same version', async () => {
    await settings('a', { name: 'm', implementation: 'onnxruntime' });
    await settings('b/c', { name: 'm', implementation: 'onnxruntime' });
    await expect(start()).rejects.toThrow(
      `model 'm' stands twice, as folder ${join(served.repository.path, 'a')} and as folder ${join(served.repository.path, 'b/c')}`,
    );
    await start({ LOAD_MODELS: ',' });
  });

  it('in both layouts', async () => {
    await put('m', { versions: { 1: 'plus_one' } });
    await settings('a', { name: 'm', implementation: 'onnxruntime' });
    await expect(start()).rejects.toThrow(
      `as folder ${join(served.repository.path, 'm')} and as folder ${join(served.repository.path, 'a')}`,
    );
    await start({ LOAD_MODELS: ',' });
  });
});

describe('settings that cannot be served', () => {
  it.each([
    [
      { implementation: 'mlserver_sklearn.SKLearnModel' },
      "'mlserver_sklearn.SKLearnModel' is no runtime of this server",
    ],
    [
      { implementation: './evil.js' },
      "m/model-settings.json: implementation: './evil.js' is no runtime of this server",
    ],
    [{ implementation: 'node:fs' }, "implementation: 'node:fs' is no runtime of this server"],
    [{ implementation: 'onnxruntime', parameters: { uri: '../../../etc/passwd' } }, 'is not in the repository'],
    [{ implementation: 'onnxruntime', parameters: { uri: '/etc/passwd' } }, 'is not in the repository'],
    [{ implementation: 'onnxruntime', parameters: { uri: 'file:///etc/passwd' } }, 'is elsewhere'],
    [{ implementation: 'onnxruntime', parameters: { uri: 'http:///#/../../' } }, 'is elsewhere'],
    [{ implementation: 'onnxruntime', parameters: { uri: 'link/passwd' } }, 'is not in the repository'],
    [{}, 'implementation'],
    [{ implementation: 'onnxruntime', max_batch_size: 4 }, 'must be -1'],
    [{ implementation: 'code' }, "model 'code' streams"],
  ])('say why: %j', async (values, reason) => {
    const Streams = class {
      *stream() {
        yield {};
      }
    };
    const { Model } = await import('#core');
    Model('code', { inputs: [], outputs: [] })(Streams as never);
    await served.repository.put('scalar', 'm/model.onnx');
    await symlink('/etc', join(served.repository.path, 'm/link'));
    await settings('m', values);
    const said = await failure([Streams]);
    expect(said).toContain(reason);
    expect(said).not.toContain(served.repository.path);
  });

  it('are of no JSON', async () => {
    await served.repository.write('m/model-settings.json', '{');
    expect(await failure()).toContain('m/model-settings.json');
  });
});

import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fp32 } from '#core';
import { defineModel } from '#testing';
import { captureLog } from '../../test/support/captured-log.js';
import { fp32Tensor, outputsByName } from '../../test/support/configured-folders.js';
import { vector } from '../../test/support/engine.js';
import { servedRepository } from '../../test/support/served-repository.js';
import { type Answer, infer, post, rpc, WIRES } from '../../test/support/wires.js';
import { ModelRegistry } from '../engine/registry/model-registry.js';
import { Uploads } from './control/uploads.js';

/** Loads that bring a configuration, or files, along. */

const log = captureLog();

const FIXTURES = join(import.meta.dirname, '../../test/fixtures/models');
const fixture = (name: string): Promise<Buffer> => readFile(join(FIXTURES, `${name}.onnx`));

const served = servedRepository();
const { put, start } = served;

const uploads = async (): Promise<string[]> =>
  (await readdir(tmpdir())).filter((name) => name.startsWith('uploaded-model-') && known.has(join(tmpdir(), name)));
const known = new Set<string>();
/** Other specs may upload at the same time: only this server's count. */
const remember = (model: string): void =>
  served.server
    .get(Uploads)
    .of(model)
    .forEach((root) => known.add(root));

const INVALID = { grpc: 'INVALID_ARGUMENT', rest: 400 } as const;
const INTERNAL = { grpc: 'INTERNAL', rest: 500 } as const;
const NOT_FOUND = { grpc: 'NOT_FOUND', rest: 404 } as const;

describe.each(WIRES)('over %s', (wire) => {
  interface Override {
    readonly config?: string;
    readonly files?: Readonly<Record<string, Buffer>>;
  }

  const load = (model: string, { config, files = {} }: Override = {}): Promise<Answer> => {
    const named = Object.entries(files).map(([path, bytes]) => [`file:${path}`, bytes] as const);
    const send = {
      grpc: () =>
        rpc('RepositoryModelLoad', {
          model_name: model,
          parameters: {
            ...(config === undefined ? {} : { config: { string_param: config } }),
            ...Object.fromEntries(named.map(([name, bytes_param]) => [name, { bytes_param }])),
          },
        })(served.server),
      rest: () =>
        post(`/v2/repository/models/${encodeURIComponent(model)}/load`, {
          parameters: {
            ...(config === undefined ? {} : { config }),
            ...Object.fromEntries(named.map(([name, bytes]) => [name, bytes.toString('base64')])),
          },
        })(served.server),
    };
    return send[wire]();
  };
  const unload = (model: string): Promise<Answer> =>
    ({
      grpc: rpc('RepositoryModelUnload', { model_name: model }),
      rest: post(`/v2/repository/models/${model}/unload`),
    })[wire](served.server);
  const add = async (model: string) =>
    outputsByName(
      await infer({ model, inputs: [fp32Tensor('INPUT0', [1], [1])], outputs: ['OUTPUT0'] })[wire](served.server),
    );
  const config = (model: string) => served.server.get(ModelRegistry).resolve(model, '').config;

  describe('a configuration', () => {
    it('stands in for the one of the folder until the next plain load', async () => {
      await put('m', { versions: { 1: 'rows' }, config: 'max_batch_size: 4' });
      await start();
      expect(await load('m', { config: '{"max_batch_size": "16", "backend": "onnxruntime"}' })).toMatchObject({
        message: '',
      });
      expect(config('m')?.max_batch_size).toBe(16);
      expect(await load('m')).toMatchObject({ message: '' });
      expect(config('m')?.max_batch_size).toBe(4);
    });

    it('chooses among the versions of the folder', async () => {
      await put('m', { versions: { 1: 'plus_one', 2: 'plus_two' } });
      await start();
      expect(await add('m')).toEqual({ OUTPUT0: [3] });
      await load('m', { config: '{"versionPolicy": {"specific": {"versions": [1]}}}' });
      expect(await add('m')).toEqual({ OUTPUT0: [2] });
      await load('m');
      expect(await add('m')).toEqual({ OUTPUT0: [3] });
    });

    it.each([
      ['{', "failed to load 'm', Invalid config override:"],
      ['{"no_field": 1}', "failed to load 'm', Invalid config override:"],
      ['{"name": "other"}', "unexpected directory name 'm' for model 'other'"],
      ['{"backend": "python"}', "config: backend: 'python' is no runtime of this server"],
    ])('that cannot be served leaves the old one: %s', async (text, message) => {
      await put('m', { versions: { 1: 'plus_one' } });
      await start();
      const answer = await load('m', { config: text });
      expect(answer.status).toBe(INVALID[wire]);
      expect(answer.message).toContain(message);
      expect(await add('m')).toEqual({ OUTPUT0: [2] });
    });

    it('needs a model that is there', async () => {
      await start();
      expect(await load('nobody', { config: '{}' })).toMatchObject({
        status: NOT_FOUND[wire],
        message: "failed to load 'nobody', failed to poll from model repository",
      });
    });

    it('is none for a model that is written in code', async () => {
      await start({}, {}, [defineModel('code', vector, () => ({ y: fp32.of([1], [1]) }))]);
      const answer = await load('code', { config: '{}' });
      expect(answer.status).toBe(INVALID[wire]);
      expect(answer.message).toContain('it is written in code');
    });
  });

  describe('files', () => {
    it('make a model that the repository has not, until it is unloaded', async () => {
      await start();
      const files = { '1/model.onnx': await fixture('plus_one'), '3/model.onnx': await fixture('plus_two') };
      expect(await load('new', { config: '{"version_policy": {"all": {}}}', files })).toMatchObject({ message: '' });
      remember('new');
      expect(await uploads()).toHaveLength(1);
      expect(await add('new')).toEqual({ OUTPUT0: [3] });
      expect(
        served.server
          .get(ModelRegistry)
          .versionsOf('new')
          ?.map(({ version }) => version),
      ).toEqual(['1', '3']);
      await unload('new');
      expect(await uploads()).toEqual([]);
      expect(await load('new')).toMatchObject({ status: NOT_FOUND[wire] });
    });

    it('take the place of those of the folder until the next plain load', async () => {
      await put('m', { versions: { 1: 'plus_one', 2: 'plus_one' } });
      await start();
      await load('m', { config: '{}', files: { '1/model.onnx': await fixture('plus_two') } });
      remember('m');
      expect(await add('m')).toEqual({ OUTPUT0: [3] });
      expect(served.server.get(ModelRegistry).isReady('m', '2')).toBe(false);
      await load('m', { config: '{}', files: { '1/model.onnx': await fixture('plus_one') } });
      remember('m');
      // The folder of the load before has gone.
      expect(await uploads()).toHaveLength(1);
      await load('m');
      expect([await add('m'), await uploads()]).toEqual([{ OUTPUT0: [2] }, []]);
      expect(served.server.get(ModelRegistry).isReady('m', '2')).toBe(true);
    });

    it('that make no model leave the one that serves, and nothing on disk', async () => {
      await put('m', { versions: { 1: 'plus_one' } });
      await start();
      const answer = await load('m', { config: '{}', files: { '1/model.onnx': await fixture('corrupt') } });
      expect(answer).toMatchObject({ status: INVALID[wire] });
      expect(answer.message).toMatch(/^load failed for model 'm': version 1 is at UNAVAILABLE state: .+;$/);
      expect(answer.message).not.toContain(tmpdir());
      expect([await add('m'), served.server.get(Uploads).of('m')]).toEqual([{ OUTPUT0: [2] }, []]);
      const none = await load('m', { config: '{}', files: { 'labels.txt': Buffer.from('a') } });
      expect(none.message).toContain('the files make no version');
      expect(served.server.get(Uploads).of('m')).toEqual([]);
    });

    it('are gone when the server is', async () => {
      await start();
      await load('new', { config: '{}', files: { '1/model.onnx': await fixture('plus_one') } });
      remember('new');
      await served.server.close();
      expect(await uploads()).toEqual([]);
    });

    it.each([
      ['1/../../../evil', INVALID],
      ['../evil', INVALID],
      ['/etc/evil', INVALID],
      ['1//model.onnx', INVALID],
      ['1/..', INVALID],
      ['..\\evil', INVALID],
      ['1/model\n.onnx', INVALID],
      ['', INVALID],
      [`1/${'a'.repeat(300)}`, INTERNAL],
      [`1/${'a/'.repeat(600)}b`, INTERNAL],
    ])('A03: are not written to %j', async (path, status) => {
      await start();
      const answer = await load('evil', { config: '{}', files: { [path]: Buffer.from('x') } });
      expect(answer.status).toBe(status[wire]);
      expect(answer.message).toContain("failed to load 'evil'");
      if (status === INTERNAL) expect(answer.message).toContain('failed to poll from model repository');
      expect(served.server.get(Uploads).of('evil')).toEqual([]);
    });

    it('that are folders of each other are refused', async () => {
      await start();
      const files = { '1': Buffer.from('x'), '1/model.onnx': Buffer.from('x') };
      expect(await load('evil', { config: '{}', files })).toMatchObject({ status: INTERNAL[wire] });
      expect(served.server.get(Uploads).of('evil')).toEqual([]);
    });
  });
});

it.each(['no base64!', 'AAA', 'AA=A', 'AAAA====', 'A===', 'AAAA\n', 'AA-_'])(
  'A07: refuses what is not base64: %j',
  async (text) => {
    await start();
    const body = { parameters: { config: '{}', 'file:1/model.onnx': text } };
    expect(await post('/v2/repository/models/evil/load', body)(served.server)).toMatchObject({
      status: 400,
      message: "load parameter 'file:1/model.onnx' is not base64: encode the bytes of the file, with padding",
    });
  },
);

it('tells the log of an override that is none', async () => {
  await put('m', { versions: { 1: 'plus_one' } });
  await start({ LOG_LEVEL: 'warn' });
  await rpc('RepositoryModelLoad', { model_name: 'm', parameters: { config: { string_param: '{' } } })(served.server);
  expect(log()).toContain('Invalid config override');
});

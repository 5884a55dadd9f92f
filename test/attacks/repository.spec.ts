import { createHash } from 'node:crypto';
import { readFile, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serve, type TestServer } from '#testing';
import { ModelRegistry } from '../../src/engine/registry/model-registry.js';
import { Uploads } from '../../src/repository/control/uploads.js';
import { ModelCatalogue } from '../../src/repository/sources/model-catalogue.js';
import { captureLog } from '../support/captured-log.js';
import { fp32Tensor, outputsByName, putModel } from '../support/configured-folders.js';
import { FixtureRepository } from '../support/fixture-repository.js';
import { rawPost, speak } from '../support/raw-http.js';
import { type Answer, infer, post, rpc, WIRES } from '../support/wires.js';

/** What lies in the repository, and what callers of its rpcs send, is not to reach beyond it. */

const log = captureLog();

let repository: FixtureRepository;
let outside: FixtureRepository;
let server: TestServer;

beforeEach(async () => {
  repository = await FixtureRepository.of(['plus_one']);
  outside = await FixtureRepository.of(['plus_two']);
  await outside.write('secret.txt', 'root:x:0:0');
});

afterEach(async () => {
  await server?.close();
  await repository[Symbol.asyncDispose]();
  await outside[Symbol.asyncDispose]();
});

async function start(environment: Readonly<Record<string, string>> = {}): Promise<void> {
  server = await serve([], {
    environment: { MODEL_REPOSITORY: repository.path, LOAD_MODELS: ',', LOG_LEVEL: 'warn', ...environment },
  });
}

const REFUSED: readonly (string | number)[] = ['INVALID_ARGUMENT', 'NOT_FOUND', 'INTERNAL', 400, 404, 500];
const FINE: readonly (string | number)[] = ['OK', 200];

describe.each(WIRES)('over %s', (wire) => {
  const load = (model: string, parameters: Readonly<Record<string, string | Buffer>> = {}): Promise<Answer> => {
    const message = Object.fromEntries(
      Object.entries(parameters).map(([name, value]) => [
        name,
        typeof value === 'string' ? { string_param: value } : { bytes_param: value },
      ]),
    );
    const body = Object.fromEntries(
      Object.entries(parameters).map(([name, value]) => [
        name,
        typeof value === 'string' ? value : value.toString('base64'),
      ]),
    );
    return {
      grpc: rpc('RepositoryModelLoad', { model_name: model, parameters: message }),
      rest: post(`/v2/repository/models/${encodeURIComponent(model)}/load`, { parameters: body }),
    }[wire](server);
  };
  const unload = (model: string): Promise<Answer> =>
    ({
      grpc: rpc('RepositoryModelUnload', { model_name: model }),
      rest: post(`/v2/repository/models/${encodeURIComponent(model)}/unload`),
    })[wire](server);

  // A client of HTTP walks up a path by itself where a segment is two dots.
  const climbing = ['../etc', 'a/../b', ' ..', '.. ', '/etc/passwd', 'plus_one/', 'plus_one/1', '..\\', 'a\0b'];

  it.each([...climbing, ...(wire === 'grpc' ? ['..', '.'] : [])])('A01: %j is no name of a model', async (model) => {
    await start();
    for (const answer of [
      await load(model),
      await load(model, { config: '{}', 'file:1/model.onnx': Buffer.from('x') }),
    ]) {
      expect(answer.status).toBe(wire === 'grpc' ? 'INVALID_ARGUMENT' : 400);
      expect(answer.message).toBe('model name must not contain path traversal characters');
    }
    expect(FINE).toContain((await unload(model)).status);
    expect(server.get(ModelRegistry).names()).toEqual([]);
    expect(server.get(Uploads).of(model)).toEqual([]);
  });

  it.each([
    '%2e%2e%2f',
    'a'.repeat(300),
    '$(touch x)',
    '`id`',
    '*',
    '{a,b}',
    'plus_one;ls',
    'a\nb',
    '\u202egnp.exe',
    'plus\u200b_one',
    'ｐlus_one',
    'CON',
    'aux.onnx',
    '~',
    '-rf',
  ])('A02: %j is only looked for, and not found', async (model) => {
    await start();
    const answer = await load(model);
    expect(REFUSED).toContain(answer.status);
    expect(answer.message).toContain('failed to poll from model repository');
    expect(FINE).toContain((await unload(model)).status);
    expect(server.get(ModelRegistry).names()).toEqual([]);
    for (const line of log().split('\n')) expect(line).not.toMatch(/^b/);
  });

  it.each(['...', '..my_model', 'model..1'])('A01: %j is a name like any other', async (model) => {
    await start();
    expect((await load(model)).message).toBe(`failed to load '${model}', failed to poll from model repository`);
  });

  it.each([
    ['default_model_filename', '{"backend":"onnxruntime","default_model_filename":"../../secret.txt"}'],
    ['default_model_filename', '{"backend":"onnxruntime","default_model_filename":"/etc/passwd"}'],
    [
      'label_filename',
      '{"output":[{"name":"OUTPUT0","data_type":"TYPE_FP32","dims":[-1],"label_filename":"../../secret.txt"}]}',
    ],
    [
      'input_data_file',
      '{"model_warmup":[{"name":"w","inputs":{"INPUT0":{"data_type":"TYPE_FP32","dims":[1],"input_data_file":"../../../etc/passwd"}}}]}',
    ],
    [
      'data_file',
      '{"sequence_batching":{"state":[{"input_name":"a","output_name":"b","data_type":"TYPE_FP32","dims":[1],"initial_state":[{"data_file":"../../secret.txt"}]}]}}',
    ],
  ])('A03: %s of a configuration that climbs is refused', async (field, config) => {
    await start();
    const answer = await load('plus_one', { config });
    expect(answer.status).toBe(wire === 'grpc' ? 'INVALID_ARGUMENT' : 400);
    expect(answer.message).toContain(field);
    expect(answer.message).not.toContain('root:');
  });

  it.each([
    'python',
    'nobody',
    './evil.js',
    '../../evil.mjs',
    'node:child_process',
    'file:///tmp/evil.js',
    '__proto__',
    'constructor',
  ])('A08: the runtime %j is nobody’s, and nothing is imported', async (name) => {
    await start();
    for (const field of ['backend', 'platform']) {
      const answer = await load('plus_one', { config: JSON.stringify({ [field]: name }) });
      expect(answer.message).toContain(`${field}: '${name}' is no runtime of this server`);
    }
    await repository.write('settled/model-settings.json', JSON.stringify({ implementation: name }));
    expect((await load('settled')).message).toContain(`implementation: '${name}' is no runtime of this server`);
  });

  it.each([
    'http:///#/../../',
    'file:///etc/passwd',
    'FILE://etc',
    'https://user:pw@host/m',
    '..\\..\\x',
    '%2e%2e/%2e%2e',
  ])('A04: the uri %j leads nowhere', async (uri) => {
    await repository.write(
      'settled/model-settings.json',
      JSON.stringify({ implementation: 'onnxruntime', parameters: { uri } }),
    );
    await start();
    const { message } = await load('settled');
    expect(message).toMatch(/is elsewhere|is not in the repository/);
  });

  it('A09: a file without a digest, or of another one, is not loaded where digests are required', async () => {
    const digestOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    const configOf = (digests: Readonly<Record<string, string>>) => {
      const parameters = Object.entries(digests).map(
        ([key, value]) => `parameters { key: "${key}" value: "${value}" }`,
      );
      return `model_repository_agents { agents { name: "checksum" ${parameters.join(' ')} } }`;
    };
    const good = digestOf(await readFile(join(repository.path, 'plus_one/1/model.onnx')));
    await start({ REQUIRE_MODEL_DIGESTS: 'true' });
    const refusals: [config: string | undefined, reason: string][] = [
      [undefined, "'1/model.onnx' has no digest, which REQUIRE_MODEL_DIGESTS asks for"],
      [configOf({ 'SHA256:2/model.onnx': good }), "'1/model.onnx' has no digest"],
      [configOf({ 'SHA256:1/model.onnx': digestOf(Buffer.from('x')) }), "'1/model.onnx' has the SHA256"],
      [configOf({ 'SHA256:1/model.onnx': '' }), "'1/model.onnx' has the SHA256"],
      [configOf({ 'CRC32:1/model.onnx': good }), "the parameter 'CRC32:1/model.onnx' of 'checksum' is no digest"],
      [
        configOf({ 'SHA256:1/model.onnx': good, 'SHA256:../../../etc/passwd': good }),
        "file '../../../etc/passwd' is not in the folder 'plus_one'",
      ],
    ];
    for (const [config, reason] of refusals) {
      await putModel(repository, 'plus_one', config === undefined ? {} : { config });
      const answer = await load('plus_one');
      expect(answer.status).toBe(wire === 'grpc' ? 'INVALID_ARGUMENT' : 400);
      expect(answer.message).toContain(reason);
    }
    await putModel(repository, 'plus_one', { config: configOf({ 'SHA256:1/model.onnx': good }) });
    expect((await load('plus_one')).message).toBe('');
    // Each version is held against its own files alone: the other one may be broken, or not there.
    await putModel(repository, 'plus_one', {
      config: configOf({ 'SHA256:1/model.onnx': good, 'MD5:2/model.onnx': good }),
    });
    expect((await load('plus_one')).message).toBe('');
    // What comes beside the artifact could be read by it.
    await repository.write('plus_one/1/weights.bin', 'x');
    expect((await load('plus_one')).message).toContain("'1/weights.bin' has no digest");
    const brought = await readFile(join(outside.path, 'plus_two/1/model.onnx'));
    expect((await load('brought', { config: '{}', 'file:1/model.onnx': brought })).message).toContain('has no digest');
  });

  describe('A06: a link that leads out of the repository', () => {
    const inside = (path: string): string => join(repository.path, path);
    const beyond = (path: string): string => join(outside.path, path);

    it('is as good as absent: a model, a version, an artifact, a configuration, labels', async () => {
      await symlink(beyond('plus_two'), inside('linked'));
      await repository.mkdir('by_version');
      await symlink(beyond('plus_two/1'), inside('by_version/1'));
      await repository.mkdir('by_file/1');
      await symlink(beyond('plus_two/1/model.onnx'), inside('by_file/1/model.onnx'));
      await symlink(beyond('secret.txt'), inside('plus_one/config.pbtxt'));
      await symlink(beyond('secret.txt'), inside('plus_one/labels.txt'));
      await start();
      for (const model of ['linked', 'by_version']) {
        expect((await load(model)).message).toBe(`failed to load '${model}', failed to poll from model repository`);
      }
      expect((await load('by_file')).message).toContain('holds no file that a runtime claims');
      expect((await load('plus_one')).message).toBe('');
      expect(server.get(ModelRegistry).resolve('plus_one', '').outputs[0]?.labels).toBeUndefined();
    });

    it('is refused where a configuration names it', async () => {
      await putModel(repository, 'm', { config: 'backend: "onnxruntime"', versions: { 1: '' } });
      await symlink(beyond('plus_two/1/model.onnx'), inside('m/1/model.onnx'));
      await start();
      expect((await load('m')).message).toContain("'model.onnx' of version 1 is not in the repository");
    });

    it('is refused when it comes between the look and the opening', async () => {
      await start();
      const [candidate] = await server.get(ModelCatalogue).versions('plus_one');
      await rm(inside('plus_one/1/model.onnx'));
      await symlink(beyond('plus_two/1/model.onnx'), inside('plus_one/1/model.onnx'));
      const context = { name: 'plus_one', version: '1', signal: new AbortController().signal };
      await expect(candidate?.open(context)).rejects.toThrow("file '1/model.onnx' is missing in the folder 'plus_one'");
    });

    describe('to a folder that REPOSITORY_LINK_TARGETS names', () => {
      const settingsOf = (uri: string) => JSON.stringify({ implementation: 'onnxruntime', parameters: { uri } });

      it('is followed, in both layouts, and settings out there are no second model', async () => {
        await outside.write('plus_two/1/model-settings.json', settingsOf('./model.onnx'));
        await repository.write('meshed/model-settings.json', settingsOf('./model.onnx'));
        await symlink(beyond('plus_two/1/model.onnx'), inside('meshed/model.onnx'));
        await symlink(beyond('plus_two/1'), inside('meshed/all'));
        await repository.write('by_folder/model-settings.json', settingsOf('./artifacts'));
        await symlink(beyond('plus_two/1'), inside('by_folder/artifacts'));
        await repository.mkdir('by_version');
        await symlink(beyond('plus_two/1'), inside('by_version/1'));
        await start({ REPOSITORY_LINK_TARGETS: beyond('plus_two') });
        for (const model of ['meshed', 'by_folder', 'by_version']) {
          expect((await load(model)).message).toBe('');
          const answer = await infer({ model, inputs: [fp32Tensor('INPUT0', [1], [1])] })[wire](server);
          expect(outputsByName(answer)).toEqual({ OUTPUT0: [3] });
        }
        expect([...(await server.get(ModelCatalogue).names())].sort()).toEqual([
          'by_folder',
          'by_version',
          'meshed',
          'plus_one',
        ]);
      });

      it('is as good as absent where it leads elsewhere', async () => {
        await repository.write('meshed/model-settings.json', settingsOf('./model.onnx'));
        await symlink(beyond('plus_two-of-others/1/model.onnx'), inside('meshed/model.onnx'));
        await repository.mkdir('by_version');
        await symlink(beyond('plus_two-of-others/1'), inside('by_version/1'));
        await outside.put('plus_two', 'plus_two-of-others/1/model.onnx');
        await start({ REPOSITORY_LINK_TARGETS: `${beyond('absent')},${beyond('plus_two')}` });
        expect((await load('meshed')).message).toContain('is not in the repository');
        expect((await load('by_version')).message).toBe(
          "failed to load 'by_version', failed to poll from model repository",
        );
      });
    });

    it('within the repository is followed', async () => {
      await rename(inside('plus_one/1/model.onnx'), inside('shared.onnx'));
      await symlink(inside('shared.onnx'), inside('plus_one/1/model.onnx'));
      await start();
      expect((await load('plus_one')).message).toBe('');
      const answer = await infer({ model: 'plus_one', inputs: [fp32Tensor('INPUT0', [1], [1])] })[wire](server);
      expect(outputsByName(answer)).toEqual({ OUTPUT0: [2] });
    });
  });
});

it('A07: a model that is announced as larger than a body may be is refused before it is read', async () => {
  await start();
  const headers = ['Content-Type: application/json', `Content-Length: ${3 * 2 ** 30}`];
  const { statuses } = await speak(server, rawPost('/v2/repository/models/evil/load', headers, '{"parameters":{'));
  expect(statuses).toEqual([400]);
  expect(server.get(Uploads).of('evil')).toEqual([]);
});

describe('whoever may load and unload one model', () => {
  const roles = {
    roles: { smith: { 'model-repository': ['mine', 'chain'], inference: ['mine', 'chain'] } },
    users: { smith: ['smith'] },
  };
  const chain = (model: string) => ({
    platform: 'ensemble',
    input: [{ name: 'x', data_type: 'TYPE_FP32', dims: [-1] }],
    output: [{ name: 'y', data_type: 'TYPE_FP32', dims: [-1] }],
    ensemble_scheduling: {
      step: [{ model_name: model, model_version: -1, input_map: { INPUT0: 'x' }, output_map: { OUTPUT0: 'y' } }],
    },
  });

  beforeEach(async () => {
    await repository.put('plus_one', 'mine/1/model.onnx');
    await repository.write('roles.json', JSON.stringify(roles));
    server = await serve([], {
      environment: {
        MODEL_REPOSITORY: repository.path,
        API_KEYS: 'smith:the-key-of-the-smith',
        AUTHZ: 'roles',
        AUTHZ_ROLES_FILE: join(repository.path, 'roles.json'),
      },
      headers: { 'x-api-key': 'the-key-of-the-smith' },
    });
  });

  const load = (model: string): Promise<Answer> =>
    rpc('RepositoryModelLoad', {
      model_name: 'chain',
      parameters: {
        config: { string_param: JSON.stringify(chain(model)) },
        'file:1/empty': { bytes_param: Buffer.alloc(0) },
      },
    })(server);

  it('cannot call others by an ensemble that comes with the load', async () => {
    expect(await load('plus_one')).toMatchObject({ status: 'PERMISSION_DENIED' });
    expect(server.get(ModelRegistry).names()).not.toContain('chain');
    expect(await load('mine')).toMatchObject({ status: 'OK' });
    expect(await server.rest.post('/v2/models/chain/infer', { inputs: [fp32Tensor('x', [1], [1])] })).toMatchObject({
      status: 200,
      json: { outputs: [{ data: [2] }] },
    });
  });

  it('cannot take others out of service by unload_dependents', async () => {
    await repository.write('chain/config.pbtxt', ENSEMBLE);
    await repository.mkdir('chain/1');
    expect(await rpc('RepositoryModelLoad', { model_name: 'chain' })(server)).toMatchObject({ status: 'OK' });
    const parameters = { unload_dependents: { bool_param: true } };
    expect(await rpc('RepositoryModelUnload', { model_name: 'chain', parameters })(server)).toMatchObject({
      status: 'OK',
    });
    const registry = server.get(ModelRegistry);
    expect(['chain', 'mine', 'plus_one'].map((name) => registry.isReady(name))).toEqual([false, false, true]);
  });
});

/** Of a model that the smith may unload, and of one that only others may. */
const ENSEMBLE = `
  platform: "ensemble"
  input [ { name: "x" data_type: TYPE_FP32 dims: [ -1 ] } ]
  output [ { name: "y" data_type: TYPE_FP32 dims: [ -1 ] } ]
  ensemble_scheduling { step [
    { model_name: "mine" model_version: -1
      input_map { key: "INPUT0" value: "x" } output_map { key: "OUTPUT0" value: "t" } },
    { model_name: "plus_one" model_version: -1
      input_map { key: "INPUT0" value: "t" } output_map { key: "OUTPUT0" value: "y" } }
  ] }`;

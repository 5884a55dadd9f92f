import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bytes, fp32, int64, optional, signature } from '#core';
import { defineModel, serve, type TestServer } from '#testing';
import { captureLog } from '../../test/support/captured-log.js';
import { vector } from '../../test/support/engine.js';
import { FixtureRepository } from '../../test/support/fixture-repository.js';
import { type Answer, get, post, rpc, WIRES } from '../../test/support/wires.js';
import { ModelRegistry } from '../engine/registry/model-registry.js';
import { toModelConfig } from '../repository/layouts/triton/model-config-schema.js';
import { Extension } from '../protocol/extension.decorator.js';

captureLog();

let server: TestServer;

afterEach(() => server?.close());

const ROOT = join(import.meta.dirname, '../..');
const SERVER = { grpc: rpc('ServerMetadata'), rest: get('/v2') };

const modelMetadata = (name: string, version = '') => ({
  grpc: rpc('ModelMetadata', { name, version }),
  rest: get(`/v2/models/${encodeURIComponent(name)}${version === '' ? '' : `/versions/${version}`}`),
});

interface Tensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape?: readonly (string | number)[];
  readonly parameters?: Readonly<Record<string, unknown>>;
}

interface Model {
  readonly name: string;
  readonly versions?: readonly string[];
  readonly platform: string;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

/** A model's metadata without what the wires write differently: lists that are empty, and 64-bit integers as text. */
function modelOf({ reply }: Answer): Model {
  const { name, versions, platform, inputs, outputs } = reply as Model;
  const plain = ({ name, datatype, shape = [], parameters = {} }: Tensor): Tensor => {
    const known = Object.entries(parameters).map(([key, value]) => [key, textOf(value)]);
    return { name, datatype, shape: shape.map(Number), parameters: Object.fromEntries(known) };
  };
  return { name, ...(versions && { versions }), platform, inputs: inputs.map(plain), outputs: outputs.map(plain) };
}

const textOf = (parameter: unknown): unknown =>
  typeof parameter === 'string' ? parameter : (parameter as { string_param?: string }).string_param;

const echo = defineModel('echo', vector, ({ x }) => ({ y: x }));

const PLAIN = { is_shape_tensor: false, is_non_linear_format_io: false };
const POLICY = { timeout_action: 'REJECT', default_timeout_microseconds: 0, allow_timeout_override: false };

const versioned = (version: string) => defineModel({ name: 'versioned', version }, vector, ({ x }) => ({ y: x }));

describe.each(WIRES)('over %s', (wire) => {
  const ok = { grpc: 'OK', rest: 200 }[wire];

  describe('the server', () => {
    it('has a name, the version of its package, and extensions in order', async () => {
      server = await serve();
      const { status, reply } = await SERVER[wire](server);
      const { name, version, extensions } = reply as { name: string; version: string; extensions: string[] };
      const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
      expect([status, name, version]).toEqual([ok, 'nest-inference-server', manifest.version]);
      const always = [
        'binary_tensor_data',
        'model_configuration',
        'model_repository',
        'model_repository(unload_dependents)',
        'parameters',
      ];
      const scheduling = ['schedule_policy', 'sequence', 'sequence(string_id)'];
      expect(extensions).toEqual(expect.arrayContaining([...always, ...scheduling]));
      expect(extensions).toEqual([...new Set(extensions)].sort());
    });

    it('has the name that its clients expect', async () => {
      server = await serve([], { environment: { SERVER_NAME: 'triton' } });
      expect((await SERVER[wire](server)).reply).toMatchObject({ name: 'triton' });
    });

    it('has the extensions of the modules that are imported, and of no others', async () => {
      @Extension('extension-under-test', 'a-second-one')
      @Module({})
      class ExtensionModule {}
      const names = async () => ((await SERVER[wire](server)).reply as { extensions: string[] }).extensions;
      server = await serve([], { imports: [ExtensionModule] });
      expect(await names()).toEqual(expect.arrayContaining(['a-second-one', 'extension-under-test']));
      await server.close();
      server = await serve([]);
      expect(await names()).not.toContain('extension-under-test');
    });
  });

  describe('a model', () => {
    it('in code has its signature', async () => {
      const rich = signature({
        inputs: [
          ['9', fp32(-1, 3)],
          ['1', bytes(1)],
        ],
        outputs: { scalar: int64(), empty: fp32(0) },
      });
      const model = defineModel('rich \u4e2d/1', rich, () => {
        throw new Error('not called');
      });
      server = await serve(model);
      const answer = await modelMetadata('rich \u4e2d/1')[wire](server);
      expect(answer.status).toBe(ok);
      expect(modelOf(answer)).toEqual({
        name: 'rich \u4e2d/1',
        versions: ['1'],
        platform: 'nestjs',
        inputs: [
          { name: '9', datatype: 'FP32', shape: [-1, 3], parameters: {} },
          { name: '1', datatype: 'BYTES', shape: [1], parameters: {} },
        ],
        outputs: [
          { name: 'scalar', datatype: 'INT64', shape: [], parameters: {} },
          { name: 'empty', datatype: 'FP32', shape: [0], parameters: {} },
        ],
      });
    });

    it('in the repository has what its file says, and the labels beside it', async () => {
      const environment = { MODEL_REPOSITORY: join(ROOT, 'model-repository'), LOAD_MODELS: 'digits' };
      server = await serve([], { environment });
      const { platform, inputs, outputs } = modelOf(await modelMetadata('digits')[wire](server));
      expect(platform).toBe('onnxruntime_onnx');
      expect(inputs).toEqual([{ name: 'input', datatype: 'FP32', shape: [-1, 1, 8, 8], parameters: {} }]);
      const labels = readFileSync(join(ROOT, 'model-repository/digits/labels.txt'), 'utf8').trim();
      expect(outputs.find(({ name }) => name === 'probabilities')?.parameters).toEqual({ labels });
      expect(outputs.find(({ name }) => name === 'label')?.parameters).toEqual({});
    });

    it('lists the versions that serve, oldest first, or the one that was asked for', async () => {
      server = await serve(['10', '9', 'beta'].map(versioned));
      expect(modelOf(await modelMetadata('versioned')[wire](server)).versions).toEqual(['beta', '9', '10']);
      expect(modelOf(await modelMetadata('versioned', '9')[wire](server)).versions).toEqual(['9']);
      expect(modelOf(await modelMetadata('versioned', 'beta')[wire](server)).versions).toEqual(['beta']);
      server.get(ModelRegistry).set('versioned', '9', { kind: 'unloading' });
      expect(modelOf(await modelMetadata('versioned')[wire](server)).versions).toEqual(['beta', '10']);
    });

    it.each([
      ['nobody', '', { grpc: 'NOT_FOUND', rest: 404 }, "Request for unknown model: 'nobody' is not found"],
      ['echo', '99', { grpc: 'NOT_FOUND', rest: 404 }, "Request for unknown model: 'echo' version 99 is not found"],
      [
        'echo',
        'x',
        { grpc: 'INVALID_ARGUMENT', rest: 404 },
        "failed to get model version from specified version string 'x', version should be an integral value > 0",
      ],
      [
        'broken',
        '1',
        { grpc: 'UNAVAILABLE', rest: 503 },
        "Request for unknown model: 'broken' version 1 is not at ready state",
      ],
      ['broken', '', { grpc: 'NOT_FOUND', rest: 404 }, "Request for unknown model: 'broken' has no available versions"],
    ])('that does not serve has none: %s %s', async (name, version, statuses, message) => {
      const broken = defineModel('broken', vector, ({ x }) => ({ y: x }), {
        load: () => Promise.reject(new Error('no GPU found')),
      });
      server = await serve([echo, broken], { unready: true });
      await server.settled();
      expect(await modelMetadata(name, version)[wire](server)).toMatchObject({ status: statuses[wire], message });
    });
  });
});

describe('a configuration', () => {
  const rows = signature({ inputs: { x: fp32(-1, 3), seed: optional(int64(-1)) }, outputs: { y: bytes(-1, 2) } });
  const fail = () => {
    throw new Error('not called');
  };
  const config = (name: string, version = '') => ({
    grpc: rpc('ModelConfig', { name, version }),
    rest: get(`/v2/models/${encodeURIComponent(name)}${version === '' ? '' : `/versions/${version}`}/config`),
  });
  const MODELS = [
    echo,
    defineModel(
      'batched',
      rows,
      fail,
      {},
      {
        batching: { maxSize: 8, preferredSizes: [4], maxDelayMs: 1.5, preserveOrdering: true },
        queue: {
          maxSize: 9,
          priorityLevels: 2,
          policies: { 1: { timeoutMs: 20, onTimeout: 'delay', allowTimeoutOverride: true } },
        },
        cache: true,
        instances: 2,
      },
    ),
    defineModel('sequenced', vector, ({ x }) => ({ y: x }), {}, { sequence: { idleMs: 5, maxSequences: 7 } }),
  ];
  const PBTXT = `
    platform: "onnxruntime_onnx"
    max_batch_size: 4
    input { name: "INPUT0" data_type: TYPE_FP32 dims: [ 4 ] }
    dynamic_batching {
      max_queue_delay_microseconds: 100
      default_queue_policy { default_timeout_microseconds: 9007199254740993 }
    }
    parameters { key: "a" value { string_value: "'1'" } }`;
  let repository: FixtureRepository;

  beforeAll(async () => {
    repository = await FixtureRepository.of(['plus_one']);
    await repository.put('rows', 'filed/1/model.onnx');
    await repository.write('filed/config.pbtxt', PBTXT);
  });

  beforeEach(async () => {
    server = await serve(MODELS, { environment: { MODEL_REPOSITORY: repository.path } });
  });

  afterAll(() => repository[Symbol.asyncDispose]());

  /** The client has the 64-bit keys of a map as their bytes. */
  function withReadableKeys(message: object): object {
    const { dynamic_batching, ...config } = message as { dynamic_batching?: { priority_queue_policy?: object } };
    const policies = Object.entries(dynamic_batching?.priority_queue_policy ?? {}).map(([key, policy]) => [
      Buffer.from(key, 'latin1').readBigUInt64LE(),
      policy as object,
    ]);
    return dynamic_batching === undefined
      ? config
      : { ...config, dynamic_batching: { ...dynamic_batching, priority_queue_policy: Object.fromEntries(policies) } };
  }

  const ofHandle = (name: string) => server.get(ModelRegistry).resolve(name, '').config;

  it.each(['echo', 'batched', 'sequenced', 'filed', 'plus_one'])(
    'of %s is the one that it runs by, over both wires',
    async (name) => {
      const [byGrpc, byRest] = [await config(name).grpc(server), await config(name).rest(server)];
      expect([byGrpc.status, byRest.status]).toEqual(['OK', 200]);
      expect(byRest.reply).toEqual(ofHandle(name));
      expect(toModelConfig(withReadableKeys((byGrpc.reply as { config: object }).config))).toEqual(ofHandle(name));
    },
  );

  it('of a model in code says what its decorator does', async () => {
    expect((await config('batched').rest(server)).reply).toEqual({
      name: 'batched',
      platform: 'nestjs',
      backend: 'nestjs',
      runtime: '',
      version_policy: { all: {} },
      max_batch_size: 8,
      input: [
        {
          name: 'x',
          data_type: 'TYPE_FP32',
          dims: [3],
          optional: false,
          ...PLAIN,
          format: 'FORMAT_NONE',
          allow_ragged_batch: false,
        },
        {
          name: 'seed',
          data_type: 'TYPE_INT64',
          dims: [],
          optional: true,
          ...PLAIN,
          format: 'FORMAT_NONE',
          allow_ragged_batch: false,
        },
      ],
      output: [{ name: 'y', data_type: 'TYPE_STRING', dims: [2], label_filename: '', ...PLAIN }],
      batch_input: [],
      batch_output: [],
      dynamic_batching: {
        preferred_batch_size: [4],
        max_queue_delay_microseconds: 1_500,
        preserve_ordering: true,
        priority_levels: 2,
        default_priority_level: 2,
        default_queue_policy: { ...POLICY, max_queue_size: 9 },
        priority_queue_policy: {
          1: {
            timeout_action: 'DELAY',
            default_timeout_microseconds: 20_000,
            allow_timeout_override: true,
            max_queue_size: 0,
          },
        },
      },
      instance_group: [
        {
          name: 'batched',
          kind: 'KIND_CPU',
          count: 2,
          gpus: [],
          secondary_devices: [],
          profile: [],
          passive: false,
          host_policy: '',
        },
      ],
      default_model_filename: '',
      cc_model_filenames: {},
      metric_tags: {},
      parameters: {},
      model_warmup: [],
      response_cache: { enable: true },
    });
    expect((await config('sequenced').rest(server)).reply).toMatchObject({
      max_batch_size: 0,
      sequence_batching: { max_sequence_idle_microseconds: 5_000, oldest: { max_candidate_sequences: 7 } },
    });
  });

  it('of a file is completed, and its 64-bit integers are exact', async () => {
    const { bytes: text, headers } = await server.rest.get('/v2/models/filed/config');
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    expect(text.toString()).toContain('"default_timeout_microseconds":9007199254740993,');
    const { reply } = await config('filed').grpc(server);
    expect(reply).toMatchObject({
      config: {
        name: 'filed',
        backend: 'onnxruntime',
        version_policy: { latest: { num_versions: 1 } },
        input: [{ data_type: 'TYPE_FP32' }],
        dynamic_batching: { default_queue_policy: { default_timeout_microseconds: '9007199254740993' } },
        parameters: { a: { string_value: "'1'" } },
      },
    });
  });

  it.each([
    ['nobody', '', { grpc: 'NOT_FOUND', rest: 404 }, "Request for unknown model: 'nobody' is not found"],
    ['echo', '99', { grpc: 'NOT_FOUND', rest: 404 }, "Request for unknown model: 'echo' version 99 is not found"],
  ])('is none of what is not there: %s %s', async (name, version, statuses, message) => {
    for (const wire of WIRES) {
      expect(await config(name, version)[wire](server)).toMatchObject({ status: statuses[wire], message });
    }
  });
});

describe('REST', () => {
  it('has the server under both spellings of its path', async () => {
    server = await serve();
    expect((await get('/v2/')(server)).reply).toEqual((await get('/v2')(server)).reply);
  });

  it('lists the models that serve', async () => {
    server = await serve([echo, versioned('1'), versioned('2')]);
    expect((await get('/v2/models')(server)).reply).toEqual({ models: ['echo', 'versioned'] });
    await post('/v2/repository/models/echo/unload')(server);
    expect((await get('/v2/models')(server)).reply).toEqual({ models: ['versioned'] });
  });

  it('leaves out parameters that there are not', async () => {
    server = await serve(echo);
    expect((await modelMetadata('echo').rest(server)).reply).toEqual({
      name: 'echo',
      versions: ['1'],
      platform: 'nestjs',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1] }],
    });
  });
});

it('gRPC has no properties, which other servers type differently', async () => {
  server = await serve(echo);
  expect((await modelMetadata('echo').grpc(server)).reply).not.toHaveProperty('properties');
});

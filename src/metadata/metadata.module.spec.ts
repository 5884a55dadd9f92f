import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { afterEach, describe, expect, it } from 'vitest';
import { bytes, fp32, int64, signature } from '#core';
import { defineModel, serve, type TestServer } from '#testing';
import { captureLog } from '../../test/support/captured-log.js';
import { vector } from '../../test/support/engine.js';
import { type Answer, get, post, rpc, WIRES } from '../../test/support/wires.js';
import { ModelRegistry } from '../engine/registry/model-registry.js';
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
      const always = ['binary_tensor_data', 'model_repository', 'model_repository(unload_dependents)', 'parameters'];
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

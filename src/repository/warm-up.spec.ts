import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  bytes,
  fp16,
  fp32,
  int64,
  type LoadedModel,
  type ModelRuntime,
  type NamedTensors,
  Runtime,
  signature,
  uint8,
} from '#core';
import { serve, type TestServer } from '#testing';
import { captureLog } from '../../test/support/captured-log.js';
import { type Folder, putModel } from '../../test/support/configured-folders.js';
import { FixtureRepository } from '../../test/support/fixture-repository.js';
import { ModelRegistry } from '../engine/registry/model-registry.js';

/** `model_warmup`: what a model runs on before it is ready. */

captureLog();

const tensors = signature({
  inputs: { x: fp32(-1, 2), n: int64(-1), h: fp16(-1, 1), u: uint8(-1, 1), t: bytes(-1, 1) },
  outputs: { y: fp32(-1, 2) },
});

let seen: { readonly inputs: NamedTensors; readonly isReady: boolean }[];
let refuses: boolean;
let released: number;
let registry: () => ModelRegistry;

@Runtime({ platform: 'noting', backend: 'noting', artifact: 'noting.txt' })
class NotingRuntime implements ModelRuntime {
  async load(): Promise<LoadedModel> {
    return {
      ...tensors,
      model: {
        unload: () => void released++,
        infer: (inputs: NamedTensors) => {
          seen.push({ inputs, isReady: registry().isReady('m') });
          if (refuses) throw new Error('not with these');
          return { y: inputs['x'] ?? fp32.of([0, 2], []) };
        },
      },
    };
  }
}

let repository: FixtureRepository;
let server: TestServer;

beforeEach(async () => {
  [seen, refuses, released] = [[], false, 0];
  repository = await FixtureRepository.of([]);
});

afterEach(async () => {
  await server?.close();
  await repository[Symbol.asyncDispose]();
});

const put = (folder: Folder): Promise<void> => putModel(repository, 'm', folder);

async function start(): Promise<string | undefined> {
  registry = () => server.get(ModelRegistry);
  server = await serve([], {
    providers: [NotingRuntime],
    unready: true,
    environment: { MODEL_REPOSITORY: repository.path },
  });
  return server.settled();
}

const config = (sample: string): string => `
  backend: "noting"
  max_batch_size: 4
  input [
    { name: "x" data_type: TYPE_FP32 dims: [ 2 ] },
    { name: "n" data_type: TYPE_INT64 dims: [ 1 ] reshape { shape: [ ] } },
    { name: "h" data_type: TYPE_FP16 dims: [ 1 ] },
    { name: "u" data_type: TYPE_UINT8 dims: [ 1 ] },
    { name: "t" data_type: TYPE_STRING dims: [ 1 ] }
  ]
  model_warmup [ { name: "sample" ${sample} } ]`;

const input = (name: string, type: string, dims: string, source: string): string =>
  `inputs { key: "${name}" value { data_type: TYPE_${type} dims: [ ${dims} ] ${source} } }`;

const all = (source: string): string =>
  [
    input('x', 'FP32', '2', source),
    input('n', 'INT64', '1', source),
    input('h', 'FP16', '1', source),
    input('u', 'UINT8', '1', source),
    input('t', 'STRING', '1', source),
  ].join('\n');

const shapes = (inputs: NamedTensors | undefined) =>
  Object.fromEntries(Object.entries(inputs ?? {}).map(([name, { datatype, shape }]) => [name, [datatype, ...shape]]));

describe('a sample', () => {
  it('runs as often as it says, in its batch size, before the model is ready', async () => {
    await put({ files: { '1/noting.txt': '' }, config: config(`batch_size: 3 count: 2 ${all('zero_data: true')}`) });
    expect(await start()).toBeUndefined();
    expect(seen.map(({ isReady }) => isReady)).toEqual([false, false]);
    expect(shapes(seen[0]?.inputs)).toEqual({
      x: ['FP32', 3, 2],
      n: ['INT64', 3],
      h: ['FP16', 3, 1],
      u: ['UINT8', 3, 1],
      t: ['BYTES', 3, 1],
    });
    expect(seen[0]?.inputs['x']?.data).toEqual(new Float32Array(6));
    expect(server.get(ModelRegistry).isReady('m')).toBe(true);
  });

  it('has numbers of each kind where it asks for random ones', async () => {
    await put({ files: { '1/noting.txt': '' }, config: config(`batch_size: 1 ${all('random_data: true')}`) });
    expect(await start()).toBeUndefined();
    const [x] = [seen[0]?.inputs['x'] as ReturnType<typeof fp32.of>];
    expect(x.numbers().every((value) => value > 0 && value < 1)).toBe(true);
    expect(String(seen[0]?.inputs['t']?.data[0])).toMatch(/^\d+$/);
  });

  it('is what its files hold, the same in each row', async () => {
    const floats = Buffer.alloc(8);
    floats.writeFloatLE(1.5);
    floats.writeFloatLE(-2, 4);
    const sample = [
      input('x', 'FP32', '2', 'input_data_file: "x.bin"'),
      ...all('zero_data: true').split('\n').slice(1),
    ];
    await put({
      files: { '1/noting.txt': '', 'warmup/x.bin': floats },
      config: config(`batch_size: 2 ${sample.join('\n')}`),
    });
    expect(await start()).toBeUndefined();
    expect([...(seen[0]?.inputs['x']?.data ?? [])]).toEqual([1.5, -2, 1.5, -2]);
  });

  it.each([
    ['input_data_file: "none.bin"', "file 'warmup/none.bin' is missing in the folder 'm'"],
    ['input_data_file: "short.bin"', 'Expected 8, got 3'],
    ['input_data_file: "../1/noting.txt"', "'../1/noting.txt' leads out of warmup/"],
  ])('whose file does not hold it fails the load: %s', async (source, reason) => {
    await put({
      files: { '1/noting.txt': '', 'warmup/short.bin': 'abc' },
      config: config(input('x', 'FP32', '2', source)),
    });
    expect(await start()).toContain(reason);
    expect([seen, released]).toEqual([[], source.startsWith('input_data_file: "../') ? 0 : 1]);
  });

  it('that the model refuses fails the load', async () => {
    refuses = true;
    await put({ files: { '1/noting.txt': '' }, config: config(`batch_size: 1 ${all('zero_data: true')}`) });
    expect(await start()).toContain("warm-up sample 'sample' failed: not with these");
    expect([server.get(ModelRegistry).isReady('m'), released]).toEqual([false, 1]);
  });
});

it('runs a model with states and controls, which samples need not name', async () => {
  await repository.put('accumulate', 'm/1/model.onnx');
  await put({
    config: `
      max_batch_size: 4
      input [ { name: "INPUT0" data_type: TYPE_FP32 dims: [ 1 ] } ]
      sequence_batching {
        control_input [ { name: "START" control [ { kind: CONTROL_SEQUENCE_START fp32_false_true: [ 0, 1 ] } ] } ]
        state [ { input_name: "STATE_IN" output_name: "STATE_OUT" data_type: TYPE_FP32 dims: [ 1 ] } ]
      }
      model_warmup [ { name: "sample" batch_size: 2 ${input('INPUT0', 'FP32', '1', 'zero_data: true')} } ]`,
  });
  expect(await start()).toBeUndefined();
});

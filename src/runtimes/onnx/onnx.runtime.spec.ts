import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  bool,
  bytes,
  fp16,
  fp32,
  fp64,
  type InferContext,
  int16,
  int32,
  int64,
  int8,
  type LoadedModel,
  Tensor,
  uint16,
  uint32,
  uint64,
  uint8,
} from '#core';
import { OnnxConfig } from './onnx.config.js';
import { OnnxRuntime } from './onnx.runtime.js';

const FIXTURES = join(import.meta.dirname, '../../../test/fixtures/models');
const SAMPLES = join(import.meta.dirname, '../../../model-repository');

const runtime = new OnnxRuntime({ ONNX_EXECUTION: 'inline', ONNX_INSTANCES: 1 });
const opened: LoadedModel[] = [];

afterEach(async () => {
  for (const { model } of opened.splice(0)) await model.unload?.();
});

async function open(path: string): Promise<LoadedModel> {
  const loaded = (await runtime.load({ name: 'm', version: '1', path })) as LoadedModel;
  opened.push(loaded);
  return loaded;
}

const openFixture = (name: string): Promise<LoadedModel> => open(join(FIXTURES, `${name}.onnx`));

const context = {} as InferContext;

/** What a fixture makes of its one input. */
async function run(name: string, input: Tensor): Promise<Tensor | undefined> {
  const { model } = await openFixture(name);
  return (await model.infer?.({ INPUT0: input }, context))?.['OUTPUT0'];
}

const MIN_INT64 = -(2n ** 63n);
const MAX_UINT64 = 2n ** 64n - 1n;

/** A fixture for each datatype, with the values at its ends. */
const IDENTITIES: readonly (readonly [string, Tensor])[] = [
  ['bool', bool.of([3], [1, 0, 1])],
  ['int8', int8.of([3], [-128, 0, 127])],
  ['int16', int16.of([2], [-32_768, 32_767])],
  ['int32', int32.of([2], [-2_147_483_648, 2_147_483_647])],
  ['int64', int64.of([3], [MIN_INT64, -1n, 2n ** 63n - 1n])],
  ['uint8', uint8.of([2], [0, 255])],
  ['uint16', uint16.of([2], [0, 65_535])],
  ['uint32', uint32.of([2], [0, 4_294_967_295])],
  ['uint64', uint64.of([2], [0n, MAX_UINT64])],
  ['fp16', fp16.of([5], [1.5, -0, 65_504, Infinity, 5.960_464_477_539_063e-8])],
  ['fp32', fp32.of([4], [1.5, -0, Infinity, NaN])],
  ['fp64', fp64.of([3], [Math.PI, Number.MAX_VALUE, Number.MIN_VALUE])],
  ['string', bytes.of([4], ['', 'text', '\u00e4\u4e2d', '\u{1f600}'])],
];

describe.each(IDENTITIES)('identity_%s', (name, tensor) => {
  it('is described by its file: a symbolic dimension takes any size', async () => {
    const { inputs, outputs } = await openFixture(`identity_${name}`);
    const spec = { datatype: tensor.datatype, shape: [-1], optional: false };
    expect(inputs).toEqual([{ name: 'INPUT0', ...spec }]);
    expect(outputs).toEqual([{ name: 'OUTPUT0', ...spec }]);
  });

  it('gives back every value, to the bit', async () => {
    const output = await run(`identity_${name}`, tensor);
    expect(output).toEqual(tensor);
    expect(output).toBeInstanceOf(Tensor);
    expect(output?.data.constructor).toBe(tensor.data.constructor);
  });

  it('takes a tensor without elements', async () => {
    const empty = new Tensor(tensor.datatype, [0], tensor.data.slice(0, 0));
    const output = await run(`identity_${name}`, empty);
    expect(output).toMatchObject({ datatype: tensor.datatype, shape: [0] });
    expect(output?.data).toHaveLength(0);
  });
});

describe('a model', () => {
  it('of rank 0 takes a scalar', async () => {
    expect((await openFixture('scalar')).inputs).toMatchObject([{ shape: [] }]);
    expect(await run('scalar', fp32.of([], [7]))).toEqual(fp32.of([], [7]));
  });

  it('of rank 2 keeps rows and columns apart', async () => {
    expect((await openFixture('matrix')).inputs).toMatchObject([{ shape: [-1, -1] }]);
    expect(await run('matrix', fp32.of([2, 3], [1, 2, 3, 4, 5, 6]))).toEqual(fp32.of([2, 3], [2, 4, 6, 8, 10, 12]));
  });

  it('may mix fixed and free dimensions', async () => {
    const digits = await open(join(SAMPLES, 'digits/1/model.onnx'));
    expect(digits.inputs).toEqual([{ name: 'input', datatype: 'FP32', shape: [-1, 1, 8, 8], optional: false }]);
    expect(digits.outputs.map(({ name, datatype, shape }) => [name, datatype, shape])).toEqual(
      expect.arrayContaining([
        ['label', 'INT64', [-1]],
        ['probabilities', 'FP32', [-1, 10]],
      ]),
    );
  });

  it('takes any byte but 0 for true, and answers with 1', async () => {
    const sent = bool.of([4], Uint8Array.of(0, 1, 2, 255));
    expect(await run('identity_bool', sent)).toEqual(bool.of([4], [0, 1, 1, 1]));
    expect(sent.data).toEqual(Uint8Array.of(0, 1, 2, 255));
  });

  it('reads a view in the middle of other bytes', async () => {
    const view = new Float32Array(Float32Array.of(9, 1, 2, 9).buffer, 4, 2);
    expect(await run('plus_one', fp32.of([2], view))).toEqual(fp32.of([2], [2, 3]));
    const bits = new Uint16Array(Uint16Array.of(9, 0x3c00, 0x4000, 9).buffer, 2, 2);
    expect((await run('identity_fp16', fp16.of([2], bits)))?.data).toEqual(Uint16Array.of(0x3c00, 0x4000));
  });

  it.each([
    ['a NUL', Buffer.from('a\0b')],
    ['what is not UTF-8', Buffer.of(0xc3, 0x28)],
    ['half a character', Buffer.from('\u4e2d').subarray(0, 2)],
  ])('of strings refuses %s, which would come back cut or garbled', async (_, element) => {
    await expect(run('identity_string', bytes.of([2], ['fine', element]))).rejects.toMatchObject({
      code: 'invalid-argument',
      message: "input 'INPUT0': an ONNX model takes strings of UTF-8 without NUL, got other bytes",
    });
  });

  it('that was unloaded runs no more', async () => {
    const { model } = await openFixture('plus_one');
    opened.length = 0;
    await model.unload?.();
    const running = Promise.resolve(model.infer?.({ INPUT0: fp32.of([1], [1]) }, context));
    await expect(running).rejects.toThrow();
  });
});

describe('where it runs', () => {
  const path = join(SAMPLES, 'iris/1/model.onnx');
  const loadedBy = async (config: OnnxConfig, file = path) =>
    new OnnxRuntime(config).load({ name: 'm', version: '1', path: file });

  it('is this thread when it is told so', async () => {
    const loaded = await loadedBy({ ONNX_EXECUTION: 'inline', ONNX_INSTANCES: 2 });
    expect(loaded).toMatchObject({ inputs: [{ name: 'input' }], model: expect.any(Object) as unknown });
    opened.push(loaded as LoadedModel);
  });

  it('is in threads, which open the file themselves', async () => {
    const wish = await loadedBy({ ONNX_EXECUTION: 'threads', ONNX_INSTANCES: 3 });
    expect(wish).toEqual({
      module: expect.stringMatching(/^file:.*onnx-session\.js$/) as unknown,
      options: { path },
      size: 3,
      open: expect.any(Function) as unknown,
    });
  });

  it('is a matter of time for a small file: by itself it runs here under 100 microseconds', async () => {
    expect(await loadedBy(new OnnxConfig())).toMatchObject({ size: 1, inlineUnderNs: 100_000 });
  });

  it('is in threads for files of 4 MB and more, weights beside the model included', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'onnx-'));
    await writeFile(join(folder, 'model.onnx'), 'small');
    await writeFile(join(folder, 'weights.bin'), new Uint8Array(4_000_000));
    const wish = await loadedBy(new OnnxConfig(), join(folder, 'model.onnx'));
    expect(wish).not.toHaveProperty('inlineUnderNs');
    await rm(folder, { recursive: true });
  });

  it('warms up on zeros, where they suit the model', async () => {
    for (const file of [path, join(FIXTURES, 'identity_string.onnx'), join(FIXTURES, 'scalar.onnx')]) {
      await expect((await open(file)).model.warmup?.()).resolves.toBeUndefined();
    }
  });
});

describe('a file that is no model', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'onnx-'));
    await cp(join(FIXTURES, 'corrupt.onnx'), join(folder, 'model.onnx'));
  });

  afterAll(() => rm(folder, { recursive: true }));

  it.each([
    ['model.onnx', /model\.onnx.*failed/],
    ['absent.onnx', /absent\.onnx/],
  ])('is refused with the name of the file, and not of its folder: %s', async (file, text) => {
    const failure = await open(join(folder, file)).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(failure).toBeInstanceOf(Error);
    expect((failure as Error).message).toMatch(text);
    expect((failure as Error).message).not.toContain(folder);
  });
});

import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serve, type TestServer } from '#testing';
import { ModelRegistry } from '../../src/engine/registry/model-registry.js';
import { captureLog } from '../support/captured-log.js';
import { fp32Tensor, outputsByName, putModel } from '../support/configured-folders.js';
import { FixtureRepository } from '../support/fixture-repository.js';
import { atScale } from '../support/full-scale.js';
import { retainedBytes } from '../support/memory.js';
import { infer, post, rpc, WIRES } from '../support/wires.js';

/** F53: loads that fail. F55: loads without end. */

captureLog();

let repository: FixtureRepository;
let server: TestServer;

beforeEach(async () => {
  repository = await FixtureRepository.of(['plus_one']);
  server = await serve([], { environment: { MODEL_REPOSITORY: repository.path } });
});

afterEach(async () => {
  await server.close();
  await repository[Symbol.asyncDispose]();
});

describe.each(WIRES)('over %s', (wire) => {
  const load = () =>
    ({
      grpc: rpc('RepositoryModelLoad', { model_name: 'plus_one' }),
      rest: post('/v2/repository/models/plus_one/load'),
    })[wire](server);
  const add = async () =>
    outputsByName(await infer({ model: 'plus_one', inputs: [fp32Tensor('INPUT0', [1], [1])] })[wire](server));

  const breakages: readonly (readonly [what: string, breaks: () => Promise<void>, reason: RegExp])[] = [
    ['is corrupt', () => repository.put('corrupt', 'plus_one/1/model.onnx'), /model\.onnx/],
    ['is empty', () => repository.write('plus_one/1/model.onnx', ''), /model\.onnx/],
    ['is missing', () => repository.remove('plus_one/1/model.onnx'), /holds no file that a runtime claims/],
    ['cannot be read', () => repository.mkdir('plus_one/config.pbtxt'), /config\.pbtxt: cannot be read: EISDIR/],
    ['is described wrongly', () => putModel(repository, 'plus_one', { config: 'max_batch_size: 4' }), /must be -1|dim/],
    [
      'has a sample that it cannot run',
      () =>
        putModel(repository, 'plus_one', {
          config: `model_warmup [ { name: "s" inputs { key: "INPUT0" value {
            data_type: TYPE_FP32 dims: [ 1 ] input_data_file: "gone" } } } ]`,
        }),
      /file 'warmup\/gone' is missing/,
    ],
  ];

  it.each(breakages)('F53: a model whose file %s serves on as it was, and says why', async (_, breaks, reason) => {
    await breaks();
    if (reason.source.includes('dim')) await repository.put('scalar', 'plus_one/1/model.onnx');
    const failed = await load();
    expect(failed.message).toMatch(/^load failed for model 'plus_one': version 1 is at UNAVAILABLE state: /);
    expect(failed.message).toMatch(reason);
    expect(failed.message).not.toContain(repository.path);
    expect(await add()).toEqual({ OUTPUT0: [2] });
    const [version] = server.get(ModelRegistry).versionsOf('plus_one') ?? [];
    expect(version?.state).toMatchObject({ kind: 'ready', reason: expect.stringMatching(reason) });
  });
});

it(
  'F55: a model is loaded anew time and again, and costs no more for it',
  async () => {
    const path = join(repository.path, 'plus_one/1/model.onnx');
    const reload = async (round: number): Promise<number> => {
      await utimes(path, round, round);
      await server.grpc.call('RepositoryModelLoad', { model_name: 'plus_one' });
      const started = performance.now();
      expect(await server.grpc.infer('plus_one', { INPUT0: [1] })).toEqual({ OUTPUT0: [2] });
      return performance.now() - started;
    };
    const rounds = async (from: number, count: number): Promise<number> => {
      const times: number[] = [];
      for (let round = from; round < from + count; round++) times.push(await reload(round));
      return times.sort((a, b) => a - b)[count >> 1] ?? Number.NaN;
    };
    const before = await rounds(1, 20);
    const [held, rss] = [await retainedBytes(), process.memoryUsage.rss()];
    const count = atScale(1_000, 60);
    const after = await rounds(100, count);
    expect(await retainedBytes()).toBeLessThan(held + 8 * 2 ** 20);
    expect(process.memoryUsage.rss()).toBeLessThan(rss + 64 * 2 ** 20);
    // Machines stutter: what grows with every load would be beyond any such bound.
    expect(after).toBeLessThan(before * 5 + 20);
  },
  atScale(600_000, 60_000),
);

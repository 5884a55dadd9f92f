import { createHash } from 'node:crypto';
import { chmod, readFile, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fp32, signature } from '#core';
import { defineModel, serve, type TestServer } from '#testing';
import { ModelRegistry } from '../../src/engine/registry/model-registry.js';
import { captureLog } from '../support/captured-log.js';
import { fp32Tensor, outputsByName, putModel } from '../support/configured-folders.js';
import { FixtureRepository } from '../support/fixture-repository.js';
import { atScale } from '../support/full-scale.js';
import { retainedBytes } from '../support/memory.js';
import { infer, post, rpc, WIRES } from '../support/wires.js';

/** F52: loads side by side. F53: loads that fail. F55: loads without end. */

captureLog();

let repository: FixtureRepository;
let server: TestServer;

const vector = signature({ inputs: { x: fp32(-1) }, outputs: { y: fp32(-1) } });

/** How many copies of the model in code are loaded: one at the most. */
let loaded = 0;
const InCode = defineModel('code', vector, ({ x }) => ({ y: x }), {
  load: () => void loaded++,
  unload: () => void loaded--,
});

beforeEach(async () => {
  loaded = 0;
  repository = await FixtureRepository.of(['plus_one']);
  server = await serve([InCode], { environment: { MODEL_REPOSITORY: repository.path } });
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
    [
      'may not be read',
      async () => {
        const path = join(repository.path, 'plus_one/1/model.onnx');
        await utimes(path, 1, 1);
        await chmod(path, 0o000);
      },
      /model\.onnx.* 13/s,
    ],
    [
      'may not be read, of its configuration',
      async () => {
        await putModel(repository, 'plus_one', { config: 'max_batch_size: 0' });
        await chmod(join(repository.path, 'plus_one/config.pbtxt'), 0o000);
      },
      /config\.pbtxt: cannot be read: EACCES/,
    ],
    [
      'is another one than its digest says',
      async () => {
        const digest = createHash('md5').update('another').digest('hex');
        await putModel(repository, 'plus_one', { config: checksum('MD5:1/model.onnx', digest) });
      },
      /'1\/model\.onnx' has the MD5 [0-9a-f]{32}, not [0-9a-f]{32}: put the file there that it is of/,
    ],
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
    const failed = await asNobody(load);
    expect(failed.message).toMatch(/^load failed for model 'plus_one': version 1 is at UNAVAILABLE state: /);
    expect(failed.message).toMatch(reason);
    expect(failed.message).not.toContain(repository.path);
    expect(await add()).toEqual({ OUTPUT0: [2] });
    const [version] = server.get(ModelRegistry).versionsOf('plus_one') ?? [];
    expect(version?.state).toMatchObject({ kind: 'ready', reason: expect.stringMatching(reason) });
  });
});

it('F53: a model whose file is the one of its digest is loaded', async () => {
  const bytes = await readFile(join(repository.path, 'plus_one/1/model.onnx'));
  for (const algorithm of ['MD5', 'SHA256']) {
    const digest = createHash(algorithm).update(bytes).digest('hex').toUpperCase();
    await putModel(repository, 'plus_one', { config: checksum(`${algorithm}:1/model.onnx`, digest) });
    const answer = await rpc('RepositoryModelLoad', { model_name: 'plus_one' })(server);
    expect(answer).toMatchObject({ status: 'OK' });
  }
});

const checksum = (key: string, digest: string): string =>
  `model_repository_agents { agents { name: "checksum" parameters { key: "${key}" value: "${digest}" } } }`;

const NOBODY = 65_534;

/** Runs as a user whom permissions hold for: nothing is forbidden to root. */
async function asNobody<T>(run: () => Promise<T>): Promise<T> {
  const { geteuid, seteuid } = process;
  const own = geteuid?.();
  if (own !== 0 || seteuid === undefined) return run();
  await chmod(repository.path, 0o755);
  seteuid(NOBODY);
  try {
    return await run();
  } finally {
    seteuid(own);
  }
}

it(
  'F52: a model is loaded and unloaded by many clients at once, and is what the last of them made of it',
  async () => {
    const models = ['plus_one', 'code'];
    const over = {
      grpc: (verb: 'Load' | 'Unload', model: string) => rpc(`RepositoryModel${verb}`, { model_name: model })(server),
      rest: (verb: 'Load' | 'Unload', model: string) =>
        post(`/v2/repository/models/${model}/${verb.toLowerCase()}`)(server),
    };
    const failures = new Set<string>();
    const client = async (number: number): Promise<void> => {
      const wire = WIRES[number % WIRES.length] ?? 'rest';
      for (let round = 0; round < atScale(1_000, 30); round++) {
        // Most of them want the same one.
        const model = models[(number + round) % 5 === 0 ? 1 : 0] ?? '';
        const { message } = await over[wire]((number * 7 + round * 13) % 5 < 3 ? 'Load' : 'Unload', model);
        if (message !== '') failures.add(message);
        if (loaded < 0 || loaded > 1) throw new Error(`the model in code was loaded ${loaded} times`);
      }
    };
    await Promise.all(Array.from({ length: 32 }, (_, number) => client(number)));
    expect([...failures]).toEqual([]);
    const registry = server.get(ModelRegistry);
    const states = () => models.map((name) => registry.versionsOf(name)?.map(({ state }) => state));

    for (const model of models) await over.grpc('Load', model);
    expect(states()).toEqual([[{ kind: 'ready' }], [{ kind: 'ready' }]]);
    expect(await server.grpc.infer('plus_one', { INPUT0: [1] })).toEqual({ OUTPUT0: [2] });
    expect(await server.rest.infer('code', { x: [1] })).toEqual({ y: [1] });
    expect([loaded, (await server.rest.get('/v2/health/ready')).status]).toEqual([1, 200]);

    for (const model of models) await over.rest('Unload', model);
    await expect.poll(states).toEqual(models.map(() => [{ kind: 'unavailable', reason: 'unloaded' }]));
    expect([loaded, (await server.rest.get('/v2/health/ready')).status]).toEqual([0, 200]);
  },
  atScale(1_200_000, 60_000),
);

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

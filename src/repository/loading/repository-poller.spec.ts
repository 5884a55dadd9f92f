import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { serve, type ServeOptions, type TestServer } from '#testing';
import { captureLog } from '../../../test/support/captured-log.js';
import { fp32Tensor, outputsByName, putModel } from '../../../test/support/configured-folders.js';
import { FixtureRepository } from '../../../test/support/fixture-repository.js';
import { infer, post, rpc, WIRES } from '../../../test/support/wires.js';
import { ModelRegistry } from '../../engine/registry/model-registry.js';

captureLog();

let repository: FixtureRepository;
let server: TestServer;

beforeEach(async () => {
  repository = await FixtureRepository.of(['plus_one']);
});

afterEach(async () => {
  await server?.close();
  await repository[Symbol.asyncDispose]();
});

async function start(options: Partial<ServeOptions> = {}): Promise<void> {
  server = await serve([], {
    ...options,
    environment: {
      MODEL_REPOSITORY: repository.path,
      MODEL_CONTROL_MODE: 'poll',
      REPOSITORY_POLL_MS: '10',
      ALLOW_EMPTY_REPOSITORY: 'true',
    },
  });
}

const registry = (): ModelRegistry => server.get(ModelRegistry);
const soon = { timeout: 15_000, interval: 10 };

describe.each(WIRES)('over %s', (wire) => {
  const add = async (model: string) =>
    outputsByName(await infer({ model, inputs: [fp32Tensor('INPUT0', [1], [1])] })[wire](server));
  const until = (model: string, expected: object | string): Promise<void> =>
    vi.waitFor(async () => expect(await add(model)).toEqual(expected), soon);

  it('serves what comes, what changes anew, and what goes no more', async () => {
    await start();
    expect(await add('plus_one')).toEqual({ OUTPUT0: [2] });
    await repository.put('plus_two', 'new/1/model.onnx');
    await until('new', { OUTPUT0: [3] });
    await repository.put('plus_two', 'plus_one/1/model.onnx');
    await until('plus_one', { OUTPUT0: [3] });
    await repository.put('plus_one', 'plus_one/2/model.onnx');
    await until('plus_one', { OUTPUT0: [2] });
    await repository.write('plus_one/config.pbtxt', 'version_policy { specific { versions: [ 1 ] } }');
    await until('plus_one', { OUTPUT0: [3] });
    await repository.remove('new');
    await until('new', "Request for unknown model: 'new' has no available versions");
  });

  it('fails no request of a model that changes under it', async () => {
    await start();
    const answers: unknown[] = [];
    const done = new AbortController();
    const client = async (): Promise<void> => {
      while (!done.signal.aborted) answers.push(await add('plus_one'));
    };
    const clients = [client(), client(), client(), client()];
    for (const [fixture, sum] of [
      ['plus_two', 3],
      ['plus_one', 2],
      ['plus_two', 3],
    ] as const) {
      // As a deployment does it: in one step, never half a file.
      await repository.put(fixture, 'staged.onnx');
      await rename(join(repository.path, 'staged.onnx'), join(repository.path, 'plus_one/1/model.onnx'));
      await until('plus_one', { OUTPUT0: [sum] });
    }
    done.abort();
    await Promise.all(clients);
    expect(new Set(answers.map((answer) => JSON.stringify(answer)))).toEqual(
      new Set(['{"OUTPUT0":[2]}', '{"OUTPUT0":[3]}']),
    );
  });

  it('refuses to load and unload by calls', async () => {
    await start();
    const refusal = 'explicit model load / unload is not allowed if polling is enabled';
    for (const verb of ['load', 'unload'] as const) {
      const method = verb === 'load' ? 'RepositoryModelLoad' : 'RepositoryModelUnload';
      const calls = {
        grpc: rpc(method, { model_name: 'plus_one' }),
        rest: post(`/v2/repository/models/plus_one/${verb}`),
      };
      expect((await calls[wire](server)).message).toBe(refusal);
    }
  });
});

it('F53: keeps what serves when its files break, and tries again when they have changed', async () => {
  await start();
  await repository.put('corrupt', 'plus_one/1/model.onnx');
  const reason = (): string | undefined => {
    const state = registry().versionsOf('plus_one')?.[0]?.state;
    return state?.kind === 'ready' ? state.reason : undefined;
  };
  await vi.waitFor(() => expect(reason()).toMatch(/model\.onnx/), soon);
  expect(await server.rest.infer('plus_one', { INPUT0: [1] })).toEqual({ OUTPUT0: [2] });
  await repository.put('plus_two', 'plus_one/1/model.onnx');
  await vi.waitFor(
    async () => expect(await server.rest.infer('plus_one', { INPUT0: [1] })).toEqual({ OUTPUT0: [3] }),
    soon,
  );
  expect(reason()).toBeUndefined();
});

it('loads an ensemble that comes together with its models', async () => {
  await start();
  const config = `
    platform: "ensemble"
    input [ { name: "x" data_type: TYPE_FP32 dims: [ -1 ] } ]
    output [ { name: "y" data_type: TYPE_FP32 dims: [ -1 ] } ]
    ensemble_scheduling { step [ {
      model_name: "plus_one" model_version: -1
      input_map { key: "INPUT0" value: "x" } output_map { key: "OUTPUT0" value: "y" }
    } ] }`;
  await putModel(repository, 'a_chain', { versions: { 1: '' }, config });
  await vi.waitFor(async () => expect(await server.rest.infer('a_chain', { x: [1] })).toEqual({ y: [2] }), soon);
});

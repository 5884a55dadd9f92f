import { afterAll, beforeAll, expect, it } from 'vitest';
import { BuiltServer } from '../support/built-server.js';
import { fp32Tensor, outputsByName, putModel } from '../support/configured-folders.js';
import { FixtureRepository } from '../support/fixture-repository.js';
import { inferOver, type SentInference, WIRES } from '../support/wires.js';

/** Configured models in worker threads, where the tests of the sources cannot run them. */

let repository: FixtureRepository;
let server: BuiltServer;

beforeAll(async () => {
  repository = await FixtureRepository.of([]);
  await putModel(repository, 'image', {
    versions: { 1: 'image' },
    config: `
      max_batch_size: 8
      input [ { name: "INPUT0" data_type: TYPE_FP32 dims: [ 4 ] reshape { shape: [ 1, 2, 2 ] } } ]
      output [ { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 4 ] reshape { shape: [ 1, 2, 2 ] } } ]
      instance_group [ { count: 2 kind: KIND_CPU } ]
      dynamic_batching { max_queue_delay_microseconds: 1000 }
      model_warmup [ {
        name: "sample" batch_size: 8 count: 2
        inputs { key: "INPUT0" value { data_type: TYPE_FP32 dims: [ 4 ] random_data: true } }
      } ]`,
  });
  await putModel(repository, 'sums', {
    versions: { 1: 'accumulate' },
    config: `
      max_batch_size: 4
      input [ { name: "INPUT0" data_type: TYPE_FP32 dims: [ 1 ] } ]
      output [ { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 1 ] } ]
      sequence_batching {
        control_input [ { name: "START" control [ { kind: CONTROL_SEQUENCE_START fp32_false_true: [ 0, 1 ] } ] } ]
        state [ { input_name: "STATE_IN" output_name: "STATE_OUT" data_type: TYPE_FP32 dims: [ 1 ] } ]
      }`,
  });
  server = await BuiltServer.start([], { MODEL_REPOSITORY: repository.path, ONNX_EXECUTION: 'threads' });
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await repository[Symbol.asyncDispose]();
});

it.each(WIRES)('answer over %s as they do in the thread that serves', async (wire) => {
  expect(server.states).toEqual({ image: 'ready', sums: 'ready' });
  const run = async (request: SentInference) => outputsByName(await inferOver[wire](server as never, request));
  const images = [1, 2, 3, 4, 5].map((value) =>
    run({ model: 'image', inputs: [fp32Tensor('INPUT0', [1, 4], [value, 0, 0, value])] }),
  );
  expect(await Promise.all(images)).toEqual(
    [1, 2, 3, 4, 5].map((value) => ({ OUTPUT0: [2 * value, 0, 0, 2 * value] })),
  );
  const step = (sequence_id: string, value: number, flags: Record<string, boolean>) =>
    run({
      model: 'sums',
      inputs: [fp32Tensor('INPUT0', [1, 1], [value])],
      parameters: { sequence_id: `${wire} ${sequence_id}`, ...flags },
    });
  const sums = async (id: string, value: number) => [
    await step(id, value, { sequence_start: true }),
    await step(id, value, {}),
    await step(id, value, { sequence_end: true }),
  ];
  expect(await Promise.all([sums('a', 1), sums('b', 10)])).toEqual([
    [{ OUTPUT0: [101] }, { OUTPUT0: [2] }, { OUTPUT0: [3] }],
    [{ OUTPUT0: [110] }, { OUTPUT0: [20] }, { OUTPUT0: [30] }],
  ]);
});

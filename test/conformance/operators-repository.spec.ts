import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serve, type TestServer } from '#testing';
import { ModelRegistry } from '../../src/engine/registry/model-registry.js';
import { fp32Tensor, outputsByName } from '../support/configured-folders.js';
import { FixtureRepository } from '../support/fixture-repository.js';
import { inferOver, type SentTensor, WIRES } from '../support/wires.js';

/** Folders as operators of Triton have them, with every field that concerns ONNX, are served as they are. */

const OPERATORS = join(import.meta.dirname, '../fixtures/operators');

/** The files of each model's versions. */
const VERSIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  classifier: { '1/classifier.onnx': 'image', '2/classifier.onnx': 'corrupt', '3/classifier.onnx': 'image' },
  embedder: { '1/model.onnx': 'corrupt', '4/model.onnx': 'rows', '10/model.onnx': 'rows' },
  scaler: { '1/model.onnx': 'matrix', '2/model.onnx': 'matrix' },
  totals: { '1/model.onnx': 'accumulate' },
  tokens: { '1/model.onnx': 'ragged' },
  screening: {},
};

const SERVED = {
  classifier: ['1', '3'],
  embedder: ['4', '10'],
  scaler: ['1', '2'],
  totals: ['1'],
  tokens: ['1'],
  screening: ['1'],
};

let repository: FixtureRepository;
let server: TestServer;

beforeAll(async () => {
  repository = await FixtureRepository.of([]);
  await cp(OPERATORS, repository.path, { recursive: true });
  for (const [model, files] of Object.entries(VERSIONS)) {
    for (const [path, fixture] of Object.entries(files)) await repository.put(fixture, `${model}/${path}`);
  }
  await repository.mkdir('screening/1');
  const environment = { MODEL_REPOSITORY: repository.path, RESPONSE_CACHE_BYTES: '1000000' };
  server = await serve([], { environment });
});

afterAll(async () => {
  await server?.close();
  await repository[Symbol.asyncDispose]();
});

const handleOf = (model: string, version = '') => server.get(ModelRegistry).resolve(model, version);

it('every model serves the versions that its policy names', async () => {
  const { json } = await server.rest.post('/v2/repository/index', { ready: true });
  const served = new Map<string, string[]>();
  for (const { name, version } of json as { name: string; version: string }[]) {
    served.set(name, [...(served.get(name) ?? []), version]);
  }
  expect(Object.fromEntries([...served].map(([name, versions]) => [name, versions.toSorted()]))).toEqual(
    Object.fromEntries(Object.entries(SERVED).map(([name, versions]) => [name, versions.toSorted()])),
  );
});

it('what the server has no use for is kept as it was written', () => {
  const { config } = handleOf('classifier');
  expect(config?.optimization).toMatchObject({
    graph: { level: 1 },
    priority: 'PRIORITY_MAX',
    cuda: { graphs: true, graph_spec: [{ batch_size: 4, input: { INPUT0: { dim: [1, 2, 2] } } }] },
    execution_accelerators: {
      gpu_execution_accelerator: [
        { name: 'tensorrt', parameters: { precision_mode: 'FP16', max_workspace_size_bytes: '1073741824' } },
      ],
      cpu_execution_accelerator: [{ name: 'openvino' }],
    },
    input_pinned_memory: { enable: true },
    gather_kernel_buffer_threshold: 2,
    eager_batching: true,
  });
  expect(config).toMatchObject({
    default_model_filename: 'classifier.onnx',
    input: [{ format: 'FORMAT_NCHW' }],
    instance_group: [
      { name: 'on_gpu', kind: 'KIND_GPU', gpus: [0, 1], profile: ['0'], rate_limiter: { priority: 2 } },
      { kind: 'KIND_CPU', count: 1 },
    ],
    parameters: { intra_op_thread_count: { string_value: '2' }, enable_mem_arena: { string_value: '1' } },
    metric_tags: { team: 'vision' },
    cc_model_filenames: { '8.6': 'classifier_sm86.onnx' },
    model_operations: { op_library_filename: ['libcustom_ops.so'] },
    model_repository_agents: { agents: [{ name: 'checksum' }] },
    model_metrics: { metric_control: [{ histogram_options: { buckets: [100, 500.5, 2_000] } }] },
  });
  expect(config?.model_warmup.map(({ name }) => name)).toEqual(['zeros', 'random', 'a real one']);
});

it('labels name the classes of the output', async () => {
  const labels = (await readFile(join(OPERATORS, 'classifier/labels.txt'), 'utf8')).trim().split('\n');
  expect(handleOf('classifier').outputs[0]?.labels).toEqual(labels);
});

describe.each(WIRES)('over %s', (wire) => {
  const run = async (
    model: string,
    input: SentTensor,
    parameters: Readonly<Record<string, string | boolean | number>> = {},
    version = '',
  ) => outputsByName(await inferOver[wire](server, { model, version, inputs: [input], parameters }));

  const image = (...values: number[]) => fp32Tensor('INPUT0', [values.length / 4, 1, 2, 2], values);

  it('the classifier batches, by priority, and gives its output the shape that was asked for', async () => {
    const answers = [1, 2, 3, 4, 5].map((value) =>
      run('classifier', image(value, 0, 0, value), { priority: (value % 2) + 1 }),
    );
    expect(await Promise.all(answers)).toEqual(
      [1, 2, 3, 4, 5].map((value) => ({ OUTPUT0: [2 * value, 0, 0, 2 * value] })),
    );
    expect(await run('classifier', image(...Array<number>(17 * 4).fill(1)))).toContain('batch-size must be <= 16');
    expect(await run('classifier', image(1, 1, 1, 1), {}, '2')).toContain("'classifier' version 2 is not found");
  });

  it('the embedder is completed from its file, and cached', async () => {
    const input = fp32Tensor('INPUT0', [1, 4], [1, 2, 3, 4]);
    const answer = { OUTPUT0: [2, 4, 6, 8], OUTPUT1: [2, 3, 4, 5] };
    expect([await run('embedder', input), await run('embedder', input)]).toEqual([answer, answer]);
    expect(handleOf('embedder')).toMatchObject({ version: '10', isCached: true, maxBatchSize: 8 });
  });

  it('the scaler, written in the odder ways of the text format, takes any matrix', async () => {
    const input = fp32Tensor('INPUT0', [2, 3], [1, 2, 3, 4, 5, 6]);
    expect(await run('scaler', input)).toEqual({ OUTPUT0: [2, 4, 6, 8, 10, 12] });
    expect(await run('scaler', input, {}, '1')).toEqual({ OUTPUT0: [2, 4, 6, 8, 10, 12] });
  });

  it('the totals of a sequence start with what lies in the file', async () => {
    const add = (value: number, flags: object) =>
      run('totals', fp32Tensor('INPUT0', [1, 1], [value]), { sequence_id: `account over ${wire}`, ...flags });
    expect(await add(5, { sequence_start: true })).toEqual({ OUTPUT0: [1_105] });
    expect(await add(6, { sequence_end: true })).toEqual({ OUTPUT0: [1_011] });
  });

  it('tokens of any number stand in one batch', async () => {
    const sent = [[1, 2], [3], [4, 5, 6]];
    const answers = sent.map((values) => run('tokens', fp32Tensor('INPUT0', [1, values.length], values)));
    expect(await Promise.all(answers)).toMatchObject([{ OUTPUT0: [2, 4] }, { OUTPUT0: [6] }, { OUTPUT0: [8, 10, 12] }]);
  });

  it('the ensemble runs through a version of the one and the latest of the other', async () => {
    const input = { ...image(1, 2, 3, 4), name: 'IMAGE' };
    expect(await run('screening', input)).toEqual({ SCORES: [2, 4, 6, 8], EMBEDDING: [3, 5, 7, 9] });
  });
});

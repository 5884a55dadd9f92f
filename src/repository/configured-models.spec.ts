import { describe, expect, it } from 'vitest';
import { captureLog } from '../../test/support/captured-log.js';
import { fp32Tensor, outputsByName } from '../../test/support/configured-folders.js';
import { servedRepository } from '../../test/support/served-repository.js';
import { type Answer, get, infer, onlyOutput, rpc, type SentTensor, WIRES } from '../../test/support/wires.js';
import { ModelRegistry } from '../engine/registry/model-registry.js';

/** What a `config.pbtxt` makes of a model, seen over both wires. */

captureLog();

const served = servedRepository();
const { put, start, failure } = served;

const config = (model: string) => served.server.get(ModelRegistry).resolve(model, '').config;

interface Metadata {
  readonly platform: string;
  readonly versions: readonly string[];
  readonly inputs: readonly { name: string; datatype: string; shape: readonly (number | string)[] }[];
  readonly outputs: readonly { name: string; datatype: string; shape: readonly (number | string)[] }[];
}

const INVALID = { grpc: 'INVALID_ARGUMENT', rest: 400 } as const;

describe.each(WIRES)('over %s', (wire) => {
  const run = (model: string, inputs: readonly SentTensor[], more: object = {}): Promise<Answer> =>
    infer({ model, inputs, ...more })[wire](served.server);

  const metadata = async (model: string): Promise<Metadata> =>
    (await { grpc: rpc('ModelMetadata', { name: model }), rest: get(`/v2/models/${model}`) }[wire](served.server))
      .reply as Metadata;

  const shapes = (tensors: Metadata['inputs']) => tensors.map(({ name, shape }) => [name, shape.map(Number)]);

  describe('the tensors', () => {
    it('have the batch dimension that max_batch_size adds, and are held against it', async () => {
      await put('m', {
        versions: { 1: 'rows' },
        config: `
          name: "m"
          platform: "onnxruntime_onnx"
          max_batch_size: 2
          input [ { name: "INPUT0" data_type: TYPE_FP32 dims: [ 4 ] } ]
          output [ { name: "OUTPUT1" data_type: TYPE_FP32 dims: [ 4 ] } ]`,
      });
      await start();
      const { inputs, outputs, platform } = await metadata('m');
      expect([shapes(inputs), shapes(outputs), platform]).toEqual([
        [['INPUT0', [-1, 4]]],
        [['OUTPUT1', [-1, 4]]],
        'onnxruntime_onnx',
      ]);
      // An output that the configuration leaves out is none.
      expect(outputsByName(await run('m', [fp32Tensor('INPUT0', [1, 4], [1, 2, 3, 4])]))).toEqual({
        OUTPUT1: [2, 3, 4, 5],
      });
      expect(await run('m', [fp32Tensor('INPUT0', [3, 4], Array(12).fill(1))])).toMatchObject({
        status: INVALID[wire],
        message: "inference request batch-size must be <= 2 for 'm'",
      });
      expect(await run('m', [fp32Tensor('INPUT0', [4], [1, 2, 3, 4])])).toMatchObject({ status: INVALID[wire] });
      expect(await run('m', [fp32Tensor('INPUT0', [1, 4], [1, 2, 3, 4])], { outputs: ['OUTPUT0'] })).toMatchObject({
        status: INVALID[wire],
        message: "unexpected inference output 'OUTPUT0' for model 'm'",
      });
    });

    it('are completed from the file where the configuration says nothing of them', async () => {
      await put('m', { versions: { 1: 'rows' }, config: 'backend: "onnxruntime" max_batch_size: 8' });
      await start();
      expect(shapes((await metadata('m')).outputs)).toEqual([
        ['OUTPUT0', [-1, 4]],
        ['OUTPUT1', [-1, 4]],
      ]);
      expect(config('m')).toMatchObject({
        name: 'm',
        platform: 'onnxruntime_onnx',
        backend: 'onnxruntime',
        default_model_filename: 'model.onnx',
        version_policy: { latest: { num_versions: 1 } },
        input: [{ name: 'INPUT0', data_type: 'TYPE_FP32', dims: [4] }],
        instance_group: [{ name: 'm', kind: 'KIND_CPU', count: 1 }],
      });
    });

    it('have another shape on the wire than for the model, with reshape', async () => {
      await put('m', {
        versions: { 1: 'image' },
        config: `
          max_batch_size: 4
          input [ { name: "INPUT0" data_type: TYPE_FP32 dims: [ 4 ] reshape { shape: [ 1, 2, 2 ] } } ]
          output [ { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 2, 2 ] reshape { shape: [ 1, 2, 2 ] } } ]`,
      });
      await start();
      const answer = await run('m', [fp32Tensor('INPUT0', [2, 4], [1, 2, 3, 4, 5, 6, 7, 8])]);
      expect(onlyOutput(answer).shape).toEqual([2, 2, 2]);
      expect(outputsByName(answer)).toEqual({ OUTPUT0: [2, 4, 6, 8, 10, 12, 14, 16] });
    });

    it('are one value for each row, where the model has none but the batch dimension', async () => {
      await put('m', {
        versions: { 1: 'plus_one' },
        config: `
          max_batch_size: 4
          input [ { name: "INPUT0" data_type: TYPE_FP32 dims: [ 1 ] reshape { shape: [ ] } } ]
          output [ { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 1 ] reshape { shape: [ ] } } ]`,
      });
      await start();
      const answer = await run('m', [fp32Tensor('INPUT0', [2, 1], [1, 2])]);
      expect(onlyOutput(answer)).toMatchObject({ shape: [2, 1] });
      expect(outputsByName(answer)).toEqual({ OUTPUT0: [2, 3] });
    });

    it('have the labels of their own file', async () => {
      await put('m', {
        versions: { 1: 'rows' },
        // Without a configuration it would be the labels of both.
        files: { 'classes.txt': 'a\nb\nc\nd\n', 'labels.txt': 'e\nf\ng\nh\n' },
        config: `
          max_batch_size: 4
          input [ { name: "INPUT0" data_type: TYPE_FP32 dims: [ 4 ] } ]
          output [
            { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 4 ] label_filename: "classes.txt" },
            { name: "OUTPUT1" data_type: TYPE_FP32 dims: [ 4 ] }
          ]`,
      });
      await start();
      const { outputs } = served.server.get(ModelRegistry).resolve('m', '');
      expect(outputs.map(({ labels }) => labels)).toEqual([['a', 'b', 'c', 'd'], undefined]);
    });
  });

  describe('the versions', () => {
    const versions = { 1: 'plus_one', 2: 'plus_two', 10: 'plus_one' };

    it.each([
      ['', ['10']],
      ['version_policy { latest { num_versions: 2 } }', ['2', '10']],
      ['version_policy { all {} }', ['1', '2', '10']],
      ['version_policy { specific { versions: [ 2, 7 ] } }', ['2']],
    ])('are those of the policy: %j', async (policy, expected) => {
      await put('m', { versions, config: policy });
      await start();
      expect((await metadata('m')).versions).toEqual(expected);
    });

    it('are all of them without a configuration', async () => {
      await put('m', { versions });
      await start();
      expect((await metadata('m')).versions).toEqual(['1', '2', '10']);
    });
  });

  it('merges what waits with dynamic_batching, and refuses by its queue policy', async () => {
    const batching = 'preferred_batch_size: [ 4 ] max_queue_delay_microseconds: 60000000';
    await put('m', {
      versions: { 1: 'rows' },
      config: `
        max_batch_size: 4
        dynamic_batching { ${batching} }`,
    });
    await put('short', {
      versions: { 1: 'rows' },
      config: `
        max_batch_size: 4
        dynamic_batching {
          ${batching}
          default_queue_policy { max_queue_size: 1 default_timeout_microseconds: 200000 }
        }`,
    });
    await start();
    const one = (model = 'm') => run(model, [fp32Tensor('INPUT0', [1, 4], [1, 2, 3, 4])], { outputs: ['OUTPUT0'] });
    const refused = await Promise.all([one('short'), one('short')]);
    expect(refused.map(({ message }) => message).sort()).toEqual([
      'Exceeds maximum queue size',
      'Request timeout expired',
    ]);
    // Three wait for a minute, unless a fourth fills the batch.
    const answers = await Promise.all([one(), one(), one(), one()]);
    expect(new Set(answers.map((answer) => JSON.stringify(outputsByName(answer))))).toEqual(
      new Set(['{"OUTPUT0":[2,4,6,8]}']),
    );
  });

  it('merges requests of different shapes, with warm-up, and gives each its own part', async () => {
    await put('m', {
      versions: { 1: 'ragged' },
      config: `
        max_batch_size: 3
        dynamic_batching { preferred_batch_size: [ 3 ] max_queue_delay_microseconds: 60000000 }
        input [ { name: "INPUT0" data_type: TYPE_FP32 dims: [ -1 ] allow_ragged_batch: true } ]
        output [
          { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ -1 ] },
          { name: "OUTPUT1" data_type: TYPE_FP32 dims: [ 1 ] reshape { shape: [ ] } }
        ]
        batch_input [ {
          kind: BATCH_ACCUMULATED_ELEMENT_COUNT target_name: "ENDS" data_type: TYPE_FP32 source_input: "INPUT0"
        } ]
        batch_output [ { kind: BATCH_SCATTER_WITH_INPUT_SHAPE target_name: "OUTPUT0" source_input: "INPUT0" } ]
        model_warmup { name: "two" batch_size: 2 inputs {
          key: "INPUT0" value { data_type: TYPE_FP32 dims: 3 zero_data: true }
        } }`,
    });
    await start();
    const { inputs, outputs } = await metadata('m');
    expect([shapes(inputs), shapes(outputs)]).toEqual([
      [['INPUT0', [-1, -1]]],
      [
        ['OUTPUT0', [-1, -1]],
        ['OUTPUT1', [-1, 1]],
      ],
    ]);
    const sent = [[1, 2], [3], [4, 5, 6]];
    const answers = await Promise.all(sent.map((data) => run('m', [fp32Tensor('INPUT0', [1, data.length], data)])));
    const got = answers.map(outputsByName) as Record<string, number[]>[];
    expect(got.map(({ OUTPUT0 }) => OUTPUT0)).toEqual([[2, 4], [6], [8, 10, 12]]);
    // The requests stand in the batch in any order, and the last one ends where all elements do.
    expect(Math.max(...got.flatMap(({ OUTPUT1 = [] }) => OUTPUT1))).toBe(6);
  });

  it('takes the batch size of the server for what could batch and says nothing', async () => {
    await put('m', { versions: { 1: 'rows' } });
    await put('scalar', { versions: { 1: 'scalar' } });
    await start({ DEFAULT_MAX_BATCH_SIZE: '4' });
    expect([config('m')?.max_batch_size, config('m')?.dynamic_batching !== undefined]).toEqual([4, true]);
    expect(config('scalar')?.max_batch_size).toBe(0);
    expect(await run('m', [fp32Tensor('INPUT0', [5, 4], Array(20).fill(1))])).toMatchObject({ status: INVALID[wire] });
    expect(outputsByName(await run('scalar', [fp32Tensor('INPUT0', [], [7])]))).toEqual({ OUTPUT0: [7] });
  });
});

describe('a configuration that cannot be served', () => {
  it.each([
    ['backend: "tensorrt"', "m/config.pbtxt: backend: 'tensorrt' is no runtime of this server: use one of onnxruntime"],
    ['backend: "../../evil.js"', "m/config.pbtxt: backend: '../../evil.js' is no runtime of this server"],
    ['max_batch_sise: 4', 'm/config.pbtxt:1:'],
    ['name: "other"', "unexpected directory name 'm' for model 'other'"],
    [
      'default_model_filename: "../../secret.onnx"',
      "default_model_filename: '../../secret.onnx' is not in the folder of version 1",
    ],
    [
      'input [ { name: "INPUT0" data_type: TYPE_INT32 dims: [ 4 ] } ] max_batch_size: 2',
      "unexpected datatype TYPE_INT32 for inference input 'INPUT0', expecting TYPE_FP32",
    ],
    [
      'max_batch_size: 2 output [ { name: "NO" data_type: TYPE_FP32 dims: [ 4 ] } ]',
      "unexpected inference output 'NO'",
    ],
    [
      'max_batch_size: 2 output [ { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 4 ] label_filename: "none.txt" } ]',
      "file 'none.txt' is missing in the folder 'm'",
    ],
    ['instance_group [ { count: 65 } ]', '65 instances are too many'],
    [
      `max_batch_size: 2 dynamic_batching { }
       input [ { name: "INPUT0" data_type: TYPE_FP32 dims: [ 4 ] allow_ragged_batch: true } ]`,
      "ragged input 'INPUT0' is of shape [-1,4] in the model, where all requests stand in one list: make it [-1]",
    ],
    ['ensemble_scheduling { step [ ] }', "platform: '' does not go with ensemble_scheduling"],
  ])('says why: %s', async (text, reason) => {
    await put('m', { versions: { 1: 'rows' }, config: text });
    const said = await failure();
    expect(said).toContain(reason);
    expect(said).not.toContain(served.repository.path);
  });

  it('opens the file that it names, and no other', async () => {
    await put('m', {
      versions: { 1: 'corrupt' },
      config: 'backend: "onnxruntime" default_model_filename: "other.onnx"',
    });
    await served.repository.put('plus_one', 'm/1/other.onnx');
    await start();
    expect(await served.server.rest.infer('m', { INPUT0: [1] })).toEqual({ OUTPUT0: [2] });
  });
});

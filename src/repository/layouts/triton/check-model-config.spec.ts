import { describe, expect, it } from 'vitest';
import type { ModelConfig } from '../../../core/model/model-config.js';
import { checkModelConfig, IGNORED_FIELDS } from './check-model-config.js';
import { modelConfigType, toModelConfig } from './model-config-schema.js';
import { readModelConfig } from './read-model-config.js';

const check = (config: ModelConfig): void => checkModelConfig(config, { path: 'm/config.pbtxt', folder: 'm' });
const checkText = (text: string): void => check(readModelConfig(text, 'm/config.pbtxt'));

const ENSEMBLE = `platform: "ensemble"
  input { name: "IMAGE" data_type: TYPE_STRING dims: 1 } output { name: "CLASS" data_type: TYPE_FP32 dims: 3 }
  ensemble_scheduling { step [
    { model_name: "a" model_version: -1 input_map { key: "RAW" value: "IMAGE" } output_map { key: "OUT" value: "mid" } },
    { model_name: "b" input_map { key: "IN" value: "mid" } output_map { key: "OUT" value: "CLASS" } }
  ] }`;

describe('a configuration is served that', () => {
  it.each([
    ['says nothing', ''],
    ['names its folder', 'name: "m" platform: "onnxruntime_onnx" backend: "onnxruntime"'],
    ['names a platform of its own', 'platform: "constructor" backend: "b"'],
    ['has open and known dims', 'input [ { name: "a" dims: [ -1, 3 ] }, { name: "b" dims: [] } ] output { name: "a" }'],
    ['reshapes to a scalar', 'input { name: "x" dims: 1 reshape { } }'],
    ['reshapes between open dims', 'input { name: "x" dims: [ 2, 4, -1, 6 ] reshape { shape: [ 8, -1, 1, 6 ] } }'],
    ['has an image', 'input { name: "x" format: FORMAT_NCHW dims: [ 3, 8, 8 ] }'],
    ['has labels below its folder', 'output { name: "y" label_filename: "labels/en.txt" }'],
    [
      'prefers sizes',
      'max_batch_size: 8 input { name: "x" dims: 1 } dynamic_batching { preferred_batch_size: [ 1, 8 ] }',
    ],
    ['prefers sizes of a batch that is still to be completed', 'dynamic_batching { preferred_batch_size: [ 4 ] }'],
    [
      'has priorities',
      `dynamic_batching { priority_levels: 2 default_priority_level: 2 priority_queue_policy { key: 2 } }`,
    ],
    [
      'keeps the order with time-outs that refuse, or delay never',
      `dynamic_batching { preserve_ordering: true default_queue_policy { default_timeout_microseconds: 5 }
        priority_levels: 1 default_priority_level: 1 priority_queue_policy { key: 1 value { timeout_action: DELAY } } }`,
    ],
    [
      'has sequences',
      `sequence_batching { direct { minimum_slot_utilization: 1 } control_input [
        { name: "S" control { kind: CONTROL_SEQUENCE_START int32_false_true: [ 0, 1 ] } },
        { name: "E" control { kind: CONTROL_SEQUENCE_END bool_false_true: [ false, true ] } },
        { name: "C" control { kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_STRING } } ]
        state { input_name: "i" output_name: "o" dims: -1 initial_state { dims: 2 data_file: "zeros" } } }`,
    ],
    ['has sequences by age', 'max_batch_size: 4 sequence_batching { oldest { preferred_batch_size: 4 } }'],
    ['is an ensemble', ENSEMBLE],
    ['has steps in any order', ENSEMBLE.replace(/(\{ model_name: "a".*\}),\n\s*(\{ model_name: "b".*\})/, '$2, $1')],
    ['serves versions by name', 'version_policy { specific { versions: [ 1, 18446744073709 ] } }'],
    ['caches', 'response_cache { enable: true } model_transaction_policy { decoupled: false }'],
    ['does not cache sequences', 'response_cache { enable: false } sequence_batching { }'],
    ['has instances', 'instance_group [ { count: 2 kind: KIND_GPU gpus: 0 }, { passive: true }, { count: 0 } ]'],
    [
      'warms up on inputs and controls',
      `max_batch_size: 2 input { name: "x" dims: 1 } sequence_batching { control_input { name: "S"
        control { kind: CONTROL_SEQUENCE_START int32_false_true: [ 0, 1 ] } } }
       model_warmup { batch_size: 2 inputs { key: "x" value { data_type: TYPE_FP32 dims: 1 zero_data: true } }
        inputs { key: "S" value { data_type: TYPE_INT32 dims: 1 input_data_file: "start" } } }`,
    ],
    ['warms up on inputs that are still to be completed', 'model_warmup { batch_size: 9 }'],
    [
      'batches ragged',
      `max_batch_size: 2 dynamic_batching { } input { name: "x" dims: -1 allow_ragged_batch: true }
       output { name: "y" dims: -1 } batch_output { target_name: "y" source_input: "x" }
       batch_input { target_name: "I" source_input: "x" data_type: TYPE_INT32 }`,
    ],
    [
      'has hints for other hardware',
      'optimization { graph { level: 1 } } runtime: "r" metric_tags { key: "a" value: "b" }',
    ],
  ])('%s', (_, text) => {
    expect(() => checkText(text)).not.toThrow();
  });
});

describe('a configuration is refused, with its field, its value and the fix, where', () => {
  it.each([
    [
      'its name is not the folder',
      'name: "other"',
      "name: unexpected directory name 'm' for model 'other', directory name",
    ],
    ['its batch size is negative', 'max_batch_size: -1', 'max_batch_size: -1 is no size: use 0'],
    [
      'platform and backend differ',
      'platform: "onnxruntime_onnx" backend: "python"',
      "backend: unexpected 'platform' and 'backend' pair, got: onnxruntime_onnx, python: leave",
    ],
    [
      'no version is named',
      'version_policy { specific { } }',
      'version_policy.specific.versions: [] serves nothing: name',
    ],
    ['a version is none', 'version_policy { specific { versions: [ 1, 0 ] } }', 'versions: 0 is no version: use the'],
    [
      'an input stands twice',
      'input { name: "x" } input { name: "x" }',
      "input: 'x' stands twice: name each input once",
    ],
    ['an output stands twice', 'output { name: "y" } output { name: "y" }', "output: 'y' stands twice: name each"],
    ['an input has no name', 'input { dims: 1 }', "input[0].name: '' is no name: name the input"],
    [
      'a dimension is 0',
      'input { name: "x" dims: [ 2, 0 ] }',
      "input[0].dims: 0 is no dimension of 'x': use integers >= 1",
    ],
    ['a dimension is -2', 'output { name: "y" dims: -2 }', "output[0].dims: -2 is no dimension of 'y'"],
    [
      'a reshape has other elements',
      'input { name: "x" dims: [ 2, 3 ] reshape { shape: [ 5 ] } }',
      'input[0].reshape.shape: [5] has different size for dims and reshape: make it hold as many elements as dims [2,3]',
    ],
    ['a reshape is no scalar', 'input { name: "x" dims: 2 reshape { } }', 'reshape.shape: [] has different size'],
    ['a reshape has other open dims', 'input { name: "x" dims: [ -1, 2 ] reshape { shape: 2 } }', '[2] has different'],
    [
      'a reshape has other sizes beside open dims',
      'input { name: "x" dims: [ 2, -1, 3 ] reshape { shape: [ 3, -1, 2 ] } }',
      '[3,-1,2] has different size',
    ],
    [
      'a reshape has a 0',
      'output { name: "y" dims: 1 reshape { shape: 0 } }',
      'output[0].reshape.shape: 0 is no dimension',
    ],
    ['an image has another rank', 'input { name: "x" format: FORMAT_NHWC dims: 3 }', 'format: FORMAT_NHWC of'],
    [
      'labels lie elsewhere',
      'output { name: "y" label_filename: "../labels.txt" }',
      "output[0].label_filename: '../labels.txt' of 'y' leads out of the model's folder: put the file",
    ],
    ['labels are absolute', 'output { name: "y" label_filename: "/etc/passwd" }', "'/etc/passwd' of 'y' leads out"],
    [
      'a batch input has no source',
      'batch_input { target_name: "I" }',
      'batch_input[0].source_input: BATCH_ELEMENT_COUNT',
    ],
    ['a batch input has no target', 'batch_input { source_input: "x" }', 'batch_input[0].target_name: [] is no target'],
    [
      'a batch output has an unknown source',
      'input { name: "x" } batch_output { target_name: "y" source_input: "z" }',
      "batch_output[0].source_input: 'z' is no input: use one of x",
    ],
    [
      'ragged requests are not merged',
      'max_batch_size: 2 input { name: "x" dims: -1 allow_ragged_batch: true }',
      'allow_ragged_batch: needs dynamic_batching and a max_batch_size above 0: set both, or remove it',
    ],
    [
      'ragged requests are merged without a batch dimension',
      'dynamic_batching { } input { name: "x" dims: -1 } batch_input { target_name: "I" source_input: "x" }',
      'batch_input: needs dynamic_batching and a max_batch_size above 0',
    ],
    [
      'a ragged input is left open',
      'input { name: "x" allow_ragged_batch: true }',
      "input.dims: [] of 'x' with allow_ragged_batch: write the dims of one request",
    ],
    [
      'a ragged input changes its shape',
      'input { name: "x" dims: 1 allow_ragged_batch: true reshape { } }',
      "input.reshape: of 'x' does not go with allow_ragged_batch",
    ],
    [
      'a batch input is of another datatype',
      'batch_input { target_name: "I" source_input: "x" data_type: TYPE_INT64 }',
      'batch_input[0].data_type: TYPE_INT64 is none that BATCH_ELEMENT_COUNT can have: use TYPE_INT32 or TYPE_FP32',
    ],
    [
      'a batch output is no output',
      'batch_output { target_name: "y" source_input: "x" }',
      "batch_output[0].target_name: 'y' is no output: list it as one",
    ],
    [
      'a batch output changes its shape',
      'output { name: "y" dims: 1 reshape { } } batch_output { target_name: "y" source_input: "x" }',
      "batch_output[0].target_name: 'y' does not go with reshape",
    ],
    [
      'a batch output varies where its source does not',
      `input { name: "x" dims: -1 } output { name: "y" dims: [ 1, -1 ] }
       batch_output { target_name: "y" source_input: "x" }`,
      "'y' has a variable dimension that 'x' has not: use dims of at most 1",
    ],
    [
      'it prefers sizes over the largest',
      'max_batch_size: 8 dynamic_batching { preferred_batch_size: [ 4, 16 ] }',
      'dynamic_batching.preferred_batch_size: 16 is over max_batch_size 8: prefer smaller',
    ],
    [
      'it prefers sizes and does not batch',
      'input { name: "x" dims: 1 } dynamic_batching { preferred_batch_size: 4 }',
      'preferred_batch_size: 4 is over max_batch_size 0',
    ],
    [
      'it prefers single requests and does not batch',
      'input { name: "x" dims: 1 } dynamic_batching { preferred_batch_size: 1 }',
      'preferred_batch_size: 1 is over max_batch_size 0',
    ],
    [
      'it prefers no size',
      'dynamic_batching { preferred_batch_size: 0 }',
      'preferred_batch_size: 0 is no size: preferred',
    ],
    [
      'there is no default level',
      'dynamic_batching { priority_levels: 3 }',
      'dynamic_batching.default_priority_level: 0 is none of the 3 priority_levels: use one in range [1, 3]',
    ],
    [
      'the default level is too low',
      'dynamic_batching { priority_levels: 1 default_priority_level: 2 }',
      '2 is none of the 1',
    ],
    [
      'a level has a policy and does not exist',
      'dynamic_batching { priority_levels: 1 default_priority_level: 1 priority_queue_policy { key: 2 } }',
      'dynamic_batching.priority_queue_policy: 2 is none of the 1 priority_levels: use levels in range [1, 1]',
    ],
    [
      'there are no levels',
      'dynamic_batching { priority_queue_policy { key: 1 } }',
      'set priority_levels, or use default_',
    ],
    [
      'the order is kept across levels',
      'dynamic_batching { preserve_ordering: true priority_levels: 2 default_priority_level: 1 }',
      'dynamic_batching.preserve_ordering: true does not go with 2 priority_levels: use one level',
    ],
    [
      'the order is kept and requests are delayed',
      `dynamic_batching { preserve_ordering: true
        default_queue_policy { timeout_action: DELAY default_timeout_microseconds: 1 } }`,
      'dynamic_batching.preserve_ordering: true does not go with timeout_action DELAY: use REJECT',
    ],
    [
      'a share is none',
      'sequence_batching { direct { minimum_slot_utilization: 1.5 } }',
      'sequence_batching.direct.minimum_slot_utilization: 1.5 is no share: use one in range',
    ],
    ['a share is no number', 'sequence_batching { direct { minimum_slot_utilization: nan } }', 'NaN is no share'],
    [
      'sequences prefer sizes over the largest',
      'max_batch_size: 2 sequence_batching { oldest { preferred_batch_size: 4 } }',
      'sequence_batching.oldest.preferred_batch_size: 4 is over max_batch_size 2',
    ],
    [
      'candidates are negative',
      'sequence_batching { oldest { max_candidate_sequences: -1 } }',
      '-1 is no number of seq',
    ],
    ['a control has no name', 'sequence_batching { control_input { } }', "control_input[0].name: '' is no name"],
    [
      'a control is none',
      'sequence_batching { control_input { name: "S" } }',
      "control: [] controls nothing: say what 'S'",
    ],
    [
      'a control has no values',
      control('kind: CONTROL_SEQUENCE_END'),
      'CONTROL_SEQUENCE_END has none of int32_false_true',
    ],
    [
      'a control has values twice',
      control('int32_false_true: [0,1] fp32_false_true: [0,1]'),
      'has int32_false_true and',
    ],
    ['a control has one value', control('int32_false_true: 1'), 'int32_false_true: [1] must have exactly 2 entries'],
    ['an id has no type', control('kind: CONTROL_SEQUENCE_CORRID'), 'unexpected data type TYPE_INVALID for control'],
    [
      'an id has values',
      control('kind: CONTROL_SEQUENCE_CORRID int32_false_true: 1'),
      'carries an id: remove the pair',
    ],
    [
      'two tensors tell the start',
      control('int32_false_true: [0,1] } control { int32_false_true: [0,1]'),
      'specifies multiple CONTROL_SEQUENCE_START tensors: keep one',
    ],
    ['a state has no tensors', 'sequence_batching { state { } }', "state[0].output_name: '' is no name"],
    [
      'a state stands twice',
      'sequence_batching { state { input_name: "i" output_name: "o" } state { input_name: "i" output_name: "p" } }',
      "state: input_name 'i' stands twice",
    ],
    ['a state has a dimension of 0', state('dims: 0'), "state[0].dims: 0 is no dimension of 'i'"],
    [
      'a state starts twice',
      state('initial_state { zero_data: true } initial_state { zero_data: true }'),
      'holds 2 entries',
    ],
    ['a state starts with nothing', state('initial_state { }'), "of 'i' needs one of zero_data and data_file"],
    [
      'a state starts elsewhere',
      state('initial_state { data_file: "../x" }'),
      "data_file: '../x' leads out of initial_state/",
    ],
    [
      'a state starts with open dims',
      state('initial_state { zero_data: true dims: -1 }'),
      "dims: -1 of 'i' is no size",
    ],
    [
      'a cache is for sequences',
      'response_cache { enable: true } sequence_batching { }',
      'does not go with sequence_batching',
    ],
    [
      'a cache is for many responses',
      'response_cache { enable: true } model_transaction_policy { decoupled: true }',
      'response_cache.enable: true does not go with model_transaction_policy.decoupled',
    ],
    ['instances are negative', 'instance_group { count: -2 }', 'instance_group[0].count: -2 is no number of instances'],
    [
      'a CPU has GPUs',
      'instance_group { kind: KIND_CPU gpus: [ 0, 1 ] }',
      'instance_group[0].gpus: [0, 1] does not go with',
    ],
    ['no instance serves', 'instance_group { passive: true }', 'instance_group[0].passive: true leaves no instance'],
    [
      'a sample is too large',
      'max_batch_size: 2 model_warmup { name: "w" batch_size: 3 }',
      "3 of sample 'w' is over max_batch",
    ],
    [
      'a sample has an unknown input',
      'input { name: "x" } model_warmup { name: "w" inputs { key: "y" value { data_type: TYPE_FP32 zero_data: true } } }',
      "model_warmup[0].inputs: 'y' of sample 'w' is no input: use x",
    ],
    ['a sample has no type', warmup('zero_data: true'), "model_warmup[0].inputs['x'].data_type: is missing"],
    ['a sample has open dims', warmup('data_type: TYPE_FP32 random_data: true dims: -1'), "['x'].dims: -1 is no size"],
    [
      'a sample has no data',
      warmup('data_type: TYPE_FP32 dims: 1'),
      'has 0 of zero_data, random_data and input_data_file',
    ],
    [
      'a sample lies elsewhere',
      warmup('data_type: TYPE_FP32 input_data_file: "/x"'),
      "input_data_file: '/x' leads out of",
    ],
    [
      'an ensemble has no steps',
      'platform: "ensemble"',
      "ensemble_scheduling: is missing, though platform is 'ensemble'",
    ],
    [
      'steps have another platform',
      ENSEMBLE.replace('"ensemble"', '"x"'),
      "platform: 'x' does not go with ensemble_sch",
    ],
    ['an ensemble has a backend', `${ENSEMBLE} backend: "b"`, "backend: 'b' does not go with ensemble_scheduling"],
    [
      'an ensemble has instances',
      `${ENSEMBLE} instance_group { }`,
      'instance_group: holds 1 groups, though an ensemble',
    ],
    [
      'an ensemble is empty',
      'platform: "ensemble" ensemble_scheduling { }',
      'ensemble_scheduling.step: [] runs nothing',
    ],
    ['an ensemble lists no inputs', 'platform: "ensemble" ensemble_scheduling { }', 'input: [] cannot be completed'],
    ['a step has no model', ENSEMBLE.replace('"b"', '""'), "step[1].model_name: '' is no model"],
    ['a step has no version', ENSEMBLE.replace('-1', '-2'), 'step[0].model_version: -2 is no version: use -1'],
    [
      'a step takes nothing',
      ENSEMBLE.replace(/input_map \{.*?\}/, ''),
      "step[0].input_map: is empty: map the inputs of 'a'",
    ],
    ['a step gives nothing', ENSEMBLE.replace(/output_map \{.*?\}/, ''), 'step[0].output_map: is empty'],
    ['a tensor is made twice', ENSEMBLE.replace('"CLASS" } }', '"mid" } }'), "tensor 'mid' can appear"],
    [
      'a tensor is made nowhere',
      ENSEMBLE.replace('key: "IN" value: "mid"', 'key: "IN" value: "far"'),
      "'far' is no input and made by no step",
    ],
    [
      'steps wait for each other',
      ENSEMBLE.replace('value: "IMAGE"', 'value: "CLASS"'),
      "'CLASS' is made by a cycle of steps",
    ],
    [
      'an output is made nowhere',
      ENSEMBLE.replace('name: "CLASS"', 'name: "OTHER"'),
      "output: 'OTHER' is made by no step",
    ],
    ['an input is read nowhere', `${ENSEMBLE} input { name: "UNREAD" }`, "input: 'UNREAD' is read by no step"],
  ])('%s', (_, text, expected) => {
    expect(() => checkText(text)).toThrow(/^m\/config\.pbtxt: /);
    expect(() => checkText(text)).toThrow(expected);
  });

  it('it was put together against the rules of its message', () => {
    const dynamic_batching = {};
    const sequence_batching = { direct: {}, oldest: {} };
    const two = toModelConfig({ dynamic_batching, sequence_batching });
    expect(() => check(two)).toThrow(
      'scheduling_choice: holds dynamic_batching and sequence_batching: keep one of them',
    );
    expect(() => check(two)).toThrow('sequence_batching.strategy_choice: holds direct and oldest: keep one of them');
    const policies = toModelConfig({ version_policy: { all: {}, latest: {} } });
    expect(() => check(policies)).toThrow('version_policy: holds latest and all: keep one of them');
  });

  it('several things are wrong, all at once, each with its file', () => {
    expect(() => checkText('name: "x" max_batch_size: -3')).toThrow(
      /^m\/config.pbtxt: name: .*; m\/config.pbtxt: max_batch_size: -3 is no size: [^;]*$/,
    );
  });

  it('more is wrong than a message can hold', () => {
    expect(() => checkText('input { } '.repeat(25))).toThrow(/input\[9\]\.name[^;]*; and 15 more$/);
  });
});

describe('a large ensemble', () => {
  it('is checked in time that grows with its size', () => {
    const count = 20_000;
    const step = Array.from({ length: count }, (_, index) => ({
      model_name: 'a',
      input_map: { x: index + 1 === count ? 'IN' : `t${index + 1}` },
      output_map: { y: index === 0 ? 'OUT' : `t${index}` },
    }));
    const config = toModelConfig({
      platform: 'ensemble',
      input: [{ name: 'IN' }],
      output: [{ name: 'OUT' }],
      ensemble_scheduling: { step },
    });
    const start = performance.now();
    expect(() => check(config)).not.toThrow();
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});

describe('the fields that change nothing', () => {
  it.each([...IGNORED_FIELDS])('exist: %s', (path) => {
    const field = path
      .split('.')
      .reduce<ReturnType<typeof fieldOf> | undefined>(
        (parent, name) => fieldOf(parent === undefined ? modelConfigType() : parent.resolvedType, name),
        undefined,
      );
    expect(field?.name).toBe(path.split('.').at(-1));
  });
});

function fieldOf(type: unknown, name: string) {
  const field = (type as ReturnType<typeof modelConfigType>).fields[name];
  if (field === undefined) throw new Error(`no field ${name}`);
  return field;
}

function control(text: string): string {
  return `sequence_batching { control_input { name: "S" control { ${text} } } }`;
}

function state(text: string): string {
  return `sequence_batching { state { input_name: "i" output_name: "o" ${text} } }`;
}

function warmup(text: string): string {
  return `model_warmup { inputs { key: "x" value { ${text} } } }`;
}

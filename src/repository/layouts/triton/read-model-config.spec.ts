import fc from 'fast-check';
import protobuf, { type Field, type Type } from 'protobufjs';
import textformat from 'protobufjs/ext/textformat.js';
import { describe, expect, it } from 'vitest';
import type { ModelConfig } from '../../../core/model/model-config.js';
import { modelConfigType, type Partly } from './model-config-schema.js';
import { readModelConfig } from './read-model-config.js';

const read = (text: string): ModelConfig => readModelConfig(text, 'm/config.pbtxt');

const TEXTS: readonly (readonly [string, string, Partly<ModelConfig>])[] = [
  [
    'adds and subtracts, in lists of messages',
    `name: "simple"
platform: "onnxruntime_onnx"
max_batch_size: 8
input [
  {
    name: "INPUT0"
    data_type: TYPE_INT32
    dims: [ 16 ]
  },
  {
    name: "INPUT1"
    data_type: TYPE_INT32
    dims: [ 16 ]
  }
]
output [
  { name: "OUTPUT0" data_type: TYPE_INT32 dims: [ 16 ] },
  { name: "OUTPUT1" data_type: TYPE_INT32 dims: [ 16 ] }
]
`,
    {
      name: 'simple',
      platform: 'onnxruntime_onnx',
      max_batch_size: 8,
      input: [
        { name: 'INPUT0', data_type: 'TYPE_INT32', format: 'FORMAT_NONE', dims: [16], optional: false },
        { name: 'INPUT1', data_type: 'TYPE_INT32', dims: [16] },
      ],
      output: [
        { name: 'OUTPUT0', data_type: 'TYPE_INT32', dims: [16], label_filename: '' },
        { name: 'OUTPUT1', data_type: 'TYPE_INT32', dims: [16] },
      ],
      instance_group: [],
      parameters: {},
    },
  ],
  [
    'classifies images, with a reshape and labels',
    `# weights: fetched beforehand
name: "densenet_onnx"
platform: "onnxruntime_onnx"
max_batch_size : 0
input [ {
  name: "data_0" # NCHW
  data_type: TYPE_FP32
  format: FORMAT_NCHW
  dims: [ 3, 224, 224 ]
  reshape { shape: [ 1, 3, 224, 224 ] }
} ]
output [ {
  name: "fc6_1"
  data_type: TYPE_FP32
  dims: [ 1000 ]
  reshape { shape: [ 1, 1000, 1, 1 ] }
  label_filename: "densenet_labels.txt"
} ]`,
    {
      input: [{ format: 'FORMAT_NCHW', dims: [3, 224, 224], reshape: { shape: [1, 3, 224, 224] } }],
      output: [{ label_filename: 'densenet_labels.txt', reshape: { shape: [1, 1000, 1, 1] } }],
    },
  ],
  [
    'uses neither lists nor commas',
    `backend: 'onnxruntime' max_batch_size: 0x10
     input { name: 'x' data_type: TYPE_STRING dims: -1 dims: 16 }
     input < name: 'y'; data_type: TYPE_BF16; dims: [ -1 , 16 ]; optional: true >
     output { name: 'z' data_type: TYPE_FP16 dims: [] reshape: { } }`,
    {
      backend: 'onnxruntime',
      max_batch_size: 16,
      input: [
        { name: 'x', data_type: 'TYPE_STRING', dims: [-1, 16] },
        { name: 'y', data_type: 'TYPE_BF16', dims: [-1, 16], optional: true },
      ],
      output: [{ name: 'z', data_type: 'TYPE_FP16', dims: [], reshape: { shape: [] } }],
    },
  ],
  [
    'joins strings that stand beside each other',
    `parameters { key: "path" value: { string_value: "/models/"   # the folder
       'bert' "/" "vocab.txt" } }
     parameters: { key: 'quotes' value { string_value: 'say "hi"\\n\\x41\\101\\u00e9' } }
     metric_tags { key: "team" value: "vision" }
     metric_tags [ { key: "__proto__" value: "x" }, { key: "constructor" } ]`,
    {
      parameters: { path: { string_value: '/models/bert/vocab.txt' }, quotes: { string_value: 'say "hi"\nAAé' } },
      metric_tags: Object.fromEntries([
        ['team', 'vision'],
        ['__proto__', 'x'],
        ['constructor', ''],
      ]),
    },
  ],
  [
    'batches with priorities',
    `max_batch_size: 32
dynamic_batching {
  preferred_batch_size: [ 4, 8 ]
  max_queue_delay_microseconds: 100
  preserve_ordering: False
  priority_levels: 2
  default_priority_level: 2
  default_queue_policy { timeout_action: DELAY default_timeout_microseconds: 18446744073709551615 }
  priority_queue_policy {
    key: 1
    value { timeout_action: REJECT allow_timeout_override: true max_queue_size: 10 }
  }
}`,
    {
      dynamic_batching: {
        preferred_batch_size: [4, 8],
        max_queue_delay_microseconds: 100,
        preserve_ordering: false,
        priority_levels: 2,
        default_priority_level: 2,
        default_queue_policy: { timeout_action: 'DELAY', default_timeout_microseconds: 18446744073709551615n },
        priority_queue_policy: {
          '1': {
            timeout_action: 'REJECT',
            default_timeout_microseconds: 0,
            allow_timeout_override: true,
            max_queue_size: 10,
          },
        },
      },
    },
  ],
  ['batches by the mere word', 'max_batch_size: 4 dynamic_batching { }', { dynamic_batching: { priority_levels: 0 } }],
  [
    'keeps sequences in slots',
    `name: "simple_sequence" max_batch_size: 8
sequence_batching {
  max_sequence_idle_microseconds: 5000000
  control_input [
    { name: "START" control [ { kind: CONTROL_SEQUENCE_START int32_false_true: [ 0, 1 ] } ] },
    { name: "READY" control [ { kind: CONTROL_SEQUENCE_READY fp32_false_true: [ 0, 1.5f ] } ] },
    { name: "END" control { kind: CONTROL_SEQUENCE_END bool_false_true: [ false, true ] } }
  ]
  direct { minimum_slot_utilization: .5 }
}
instance_group [ { kind: KIND_CPU } ]`,
    {
      sequence_batching: {
        max_sequence_idle_microseconds: 5_000_000,
        control_input: [
          { name: 'START', control: [{ kind: 'CONTROL_SEQUENCE_START', int32_false_true: [0, 1] }] },
          { name: 'READY', control: [{ kind: 'CONTROL_SEQUENCE_READY', fp32_false_true: [0, 1.5] }] },
          { name: 'END', control: [{ kind: 'CONTROL_SEQUENCE_END', bool_false_true: [false, true] }] },
        ],
        direct: { minimum_slot_utilization: 0.5, max_queue_delay_microseconds: 0 },
        iterative_sequence: false,
      },
      instance_group: [{ kind: 'KIND_CPU', count: 0, gpus: [] }],
    },
  ],
  [
    'keeps sequences by age, with state',
    `sequence_batching {
  oldest { max_candidate_sequences: 1024 max_queue_delay_microseconds: 10000 }
  control_input { name: "CORRID" control { kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_UINT64 } }
  state [ {
    input_name: "STATE_IN" output_name: "STATE_OUT" data_type: TYPE_INT32 dims: [ -1 ]
    initial_state { name: "zeros" data_type: TYPE_INT32 dims: [ 4 ] zero_data: true }
  } ]
}
parameters [ { key: "execute_delay_ms" value: { string_value: "3" } } ]`,
    {
      sequence_batching: {
        oldest: { max_candidate_sequences: 1024, max_queue_delay_microseconds: 10_000, preserve_ordering: false },
        control_input: [
          {
            name: 'CORRID',
            control: [{ kind: 'CONTROL_SEQUENCE_CORRID', data_type: 'TYPE_UINT64', int32_false_true: [] }],
          },
        ],
        state: [
          {
            input_name: 'STATE_IN',
            output_name: 'STATE_OUT',
            dims: [-1],
            initial_state: [{ name: 'zeros', dims: [4], zero_data: true }],
          },
        ],
      },
      parameters: { execute_delay_ms: { string_value: '3' } },
    },
  ],
  [
    'is an ensemble',
    `platform: "ensemble"
ensemble_scheduling {
  step [
    {
      model_name: "preprocess"
      model_version: -1
      input_map { key: "RAW" value: "IMAGE" }
      output_map { key: "OUT" value: "preprocessed" }
    },
    {
      model_name: "classify"
      input_map { key: "data_0" value: "preprocessed" }
      output_map { key: "fc6_1" value: "CLASS" }
    }
  ]
}`,
    {
      ensemble_scheduling: {
        step: [
          {
            model_name: 'preprocess',
            model_version: -1,
            input_map: { RAW: 'IMAGE' },
            output_map: { OUT: 'preprocessed' },
          },
          { model_name: 'classify', model_version: 0, input_map: { data_0: 'preprocessed' } },
        ],
        max_inflight_requests: 0,
      },
    },
  ],
  [
    'serves versions that are named, one of them a time in nanoseconds',
    'version_policy: { specific: { versions: [1,3, 1734567890123456789] } }',
    { version_policy: { specific: { versions: [1, 3, 1734567890123456789n] } } },
  ],
  ['serves all versions', 'version_policy { all { } }', { version_policy: { all: {} } }],
  [
    'warms up, answers many times, caches',
    `model_transaction_policy { decoupled: True }
     model_warmup [ {
       name: "one" batch_size: 1 count: 3
       inputs { key: "x" value: { data_type: TYPE_FP32 dims: [ 3, 224 ] random_data: true } }
       inputs { key: "y" value: { data_type: TYPE_FP32 dims: 1 input_data_file: "raw" } }
     } ]
     response_cache { enable: true }`,
    {
      model_transaction_policy: { decoupled: true },
      model_warmup: [
        {
          name: 'one',
          count: 3,
          inputs: {
            x: { dims: [3, 224], random_data: true },
            y: { dims: [1], input_data_file: 'raw' },
          },
        },
      ],
      response_cache: { enable: true },
    },
  ],
  [
    'batches ragged requests',
    `batch_input [ {
       kind: BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO target_name: "INDEX" data_type: TYPE_FP32 source_input: "x"
     } ]
     batch_output { target_name: [ "y" ] kind: BATCH_SCATTER_WITH_INPUT_SHAPE source_input: "x" }`,
    {
      batch_input: [{ kind: 'BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO', target_name: ['INDEX'], source_input: ['x'] }],
      batch_output: [{ target_name: ['y'], kind: 'BATCH_SCATTER_WITH_INPUT_SHAPE', source_input: ['x'] }],
    },
  ],
  [
    'optimizes for other hardware',
    `optimization {
       graph { level: -1 } priority: PRIORITY_MAX
       execution_accelerators { gpu_execution_accelerator : [ { name : "tensorrt" parameters { key: "k" value: "v" } } ] }
       cuda { graphs: true graph_spec { batch_size: 1 input { key: "x" value { dim: [ 16 ] } } } }
       input_pinned_memory { enable: false }
     }
     instance_group [ { count: 2 kind: KIND_GPU gpus: [ 0, 1 ] profile: "0" rate_limiter { resources [ { name: "R" count: 4 } ] } } ]
     model_metrics { metric_control { metric_identifier { family: "f" } histogram_options { buckets: [ 0.1, inf ] } } }
     model_repository_agents { agents { name: "checksum" parameters { key: "MD5" value: "x" } } }
     runtime: "onnxruntime_v2" model_operations { op_library_filename: "ops.so" }`,
    {
      optimization: {
        graph: { level: -1 },
        priority: 'PRIORITY_MAX',
        execution_accelerators: {
          gpu_execution_accelerator: [{ name: 'tensorrt', parameters: { k: 'v' } }],
          cpu_execution_accelerator: [],
        },
        cuda: { graphs: true, graph_spec: [{ batch_size: 1, input: { x: { dim: [16] } } }] },
        input_pinned_memory: { enable: false },
      },
      instance_group: [
        { count: 2, gpus: [0, 1], rate_limiter: { resources: [{ name: 'R', global: false, count: 4 }] } },
      ],
      model_metrics: {
        metric_control: [{ metric_identifier: { family: 'f' }, histogram_options: { buckets: [0.1, Infinity] } }],
      },
      model_repository_agents: { agents: [{ name: 'checksum', parameters: { MD5: 'x' } }] },
      runtime: 'onnxruntime_v2',
      model_operations: { op_library_filename: ['ops.so'] },
    },
  ],
];

describe('a configuration that', () => {
  it.each(TEXTS)('%s', (_, text, expected) => {
    expect(read(text)).toMatchObject(expected);
  });

  it('says nothing has the defaults, and no more', () => {
    const expected: ModelConfig = {
      name: '',
      platform: '',
      backend: '',
      runtime: '',
      max_batch_size: 0,
      input: [],
      output: [],
      batch_input: [],
      batch_output: [],
      instance_group: [],
      default_model_filename: '',
      cc_model_filenames: {},
      metric_tags: {},
      parameters: {},
      model_warmup: [],
    };
    expect(read('')).toStrictEqual(expected);
    expect(read('\uFEFF# nothing but a comment')).toStrictEqual(expected);
  });

  it('has Windows lines', () => {
    expect(read('name: "m" # a comment\r\nmax_batch_size: 2\r\n')).toMatchObject({ name: 'm', max_batch_size: 2 });
  });
});

describe('an error', () => {
  it.each([
    ['an unknown field', 'name: "m"\n\ninput [ {\n  dtype: 3 } ]', ":4: ModelInput: unknown field 'dtype', at"],
    ['an unknown field of the message', '\nmax_batchsize: 8', ":2: ModelConfig: unknown field 'max_batchsize', at"],
    ['a text for a number', 'name: "m"\nmax_batch_size: "8"', ':2: integer value expected, at "max_batch_size: "8""'],
    ['a number for a text', 'name: 8', ':1: expected string, at "name: 8"'],
    ['half an integer', '\n\ninput { dims: [\n1.5 ] }', ':4: integer value expected, at "1.5 ] }"'],
    ['an integer out of range', 'max_batch_size: 2147483648', ':1: integer value out of range, at'],
    ['no boolean', '\nmodel_transaction_policy { decoupled: yes }', ':2: bool value expected, at'],
    ['no end', 'input {\n name: "x"', `:2: expected '}', at "name: "x""`],
    ['no colon', 'name\n"m"', ":2: expected ':', at"],
    ['a string without an end', 'name: "m\nmax_batch_size: 3', ':1: illegal string, at'],
    ['two schedulers', 'dynamic_batching { }\nsequence_batching { }', ':2: scheduling_choice: multiple values, at'],
    ['a field twice', 'name: "m"\n\nname: "m"', ':3: ModelConfig.name: multiple values, at'],
    ['an extension', '\n[a.b]: 3', ":2: ModelConfig: unknown extension 'a.b', at"],
    ['a byte order mark within', 'name: "m"\n\uFEFF', ":2: illegal character '\uFEFF', at"],
  ])('names file, line and field: %s', (_, text, expected) => {
    expect(() => read(text)).toThrow(`m/config.pbtxt${expected}`);
  });

  it('lists the names that an enum takes', () => {
    const text = 'input {\n data_type: FP32 }';
    expect(() => read(text)).toThrow(
      'm/config.pbtxt:2: ModelInput.data_type: enum value expected: use one of TYPE_INVALID, TYPE_BOOL,',
    );
    expect(() => read('input { data_type: toString }')).toThrow('enum value expected: use one of TYPE_INVALID');
  });

  it.each([
    [
      'a number that is none of an enum',
      'output { } output { data_type: 99 }',
      'output[1].data_type: 99 is no DataType',
    ],
    [
      'a dimension beyond counting',
      'input { dims: 9007199254740992 }',
      'input[0].dims[0]: 9007199254740992 is too large',
    ],
  ])('names the place: %s', (_, text, expected) => {
    expect(() => read(text)).toThrow(`m/config.pbtxt: ${expected}`);
  });

  it('shows the start of a long line', () => {
    expect(() => read(`name: ${'1'.repeat(1_000)}`)).toThrow(/expected string, at "name: 1{94}…"$/);
    expect(() => read(`name: ${'1'.repeat(94)}`)).toThrow(/expected string, at "name: 1{94}"$/);
  });

  it('is found in a long file without reading it line by line', () => {
    const lines = Array.from({ length: 5_000 }, (_, index) => `metric_tags { key: "${index}" value: "x" }`);
    expect(() => read([...lines, 'max_batch_size: x', ...lines].join('\n'))).toThrow(/^m\/config.pbtxt:5001: /);
  });

  it('is raised by what nests without end', () => {
    expect(() => read('input {'.repeat(10_000))).toThrow(/^m\/config.pbtxt:1: /);
  });
});

describe('any configuration', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(messages(modelConfigType()), (config) => {
        expect(read(textformat.toText(modelConfigType(), config))).toStrictEqual(config);
      }),
    );
  });

  it('is read whole, or refused by a line: no text does anything else', () => {
    const pieces = ['input', ' ', '{', '}', '[', ']', ':', '"', "'", 'name', 'dims', '-1', '\n', '#', ',', '"x"', '\\'];
    const texts = fc.array(fc.constantFrom(...pieces), { maxLength: 30 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(texts, (text) => {
        const outcome = attempt(text);
        if (outcome instanceof Error) expect(outcome.message).toMatch(/^m\/config\.pbtxt:\d+: .+, at "/s);
        else expect(outcome.input).toBeInstanceOf(Array);
      }),
    );
  });
});

function attempt(text: string): ModelConfig | Error {
  try {
    return read(text);
  } catch (failure) {
    return failure as Error;
  }
}

/** Configurations with all defaults written out; few levels deep, so that most parts are there in some run. */
function messages(type: Type): fc.Arbitrary<Record<string, unknown>> {
  const choices = new Map(type.oneofsArray.map(({ name, oneof }) => [name, fc.constantFrom('', ...oneof)]));
  const fields = Object.fromEntries(type.fieldsArray.map((field) => [field.name, values(field)]));
  return fc.tuple(fc.record(fields), fc.record(Object.fromEntries(choices))).map(([all, chosen]) =>
    Object.fromEntries(
      type.fieldsArray.flatMap((field) => {
        const left = field.partOf !== null && chosen[field.partOf.name] !== field.name;
        return left || all[field.name] === undefined ? [] : [[field.name, all[field.name]]];
      }),
    ),
  );
}

function values(field: Field): fc.Arbitrary<unknown> {
  const value = singleValues(field);
  if (field.map) {
    const key = field instanceof protobuf.MapField && field.keyType === 'uint64' ? fc.bigInt(0n, 2n ** 64n - 1n) : text;
    return fc.array(fc.tuple(key.map(String), value), { maxLength: 2 }).map((entries) => Object.fromEntries(entries));
  }
  if (field.repeated) return fc.array(value, { maxLength: 2 });
  const mayLack = field.resolvedType instanceof protobuf.Type && field.partOf === null;
  return mayLack ? fc.option(value, { nil: undefined }) : value;
}

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 5 }), fc.constantFrom('__proto__', 'a"b', "c'd", '\\'));

function singleValues({ name, type, resolvedType }: Field): fc.Arbitrary<unknown> {
  if (resolvedType instanceof protobuf.Type) return messages(resolvedType);
  if (resolvedType instanceof protobuf.Enum) return fc.constantFrom(...Object.keys(resolvedType.values));
  const counted = /^(dims|shape|dim|(default_)?priority_levels?)$/.test(name);
  const integers: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
    string: text,
    bool: fc.boolean(),
    int32: fc.integer(),
    uint32: fc.nat(0xffff_ffff),
    int64: counted ? fc.maxSafeInteger() : fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(asNumber),
    uint64: counted ? fc.maxSafeNat() : fc.bigInt(0n, 2n ** 64n - 1n).map(asNumber),
    float: fc.float(),
    double: fc.double(),
  };
  const values = integers[type];
  if (values === undefined) throw new Error(`no values of ${type}`);
  return values;
}

const asNumber = (value: bigint): number | bigint => (Number.isSafeInteger(Number(value)) ? Number(value) : value);

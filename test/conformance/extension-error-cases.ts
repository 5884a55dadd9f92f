import { get, infer, post, rpc, type SentTensor } from '../support/wires.js';
import { type ErrorCase, load, pair, REFUSED, UNSERVED, vector } from './error-case.js';

/** The failures of the extensions, by the same table; those that need a server of their own are with its tests. */

const texts = (shape: readonly number[], ...raw: readonly number[]): SentTensor => ({
  name: 'x',
  datatype: 'BYTES',
  shape,
  raw: Buffer.from(raw),
});

const running = (parameters: Readonly<Record<string, string | boolean | number>>) =>
  infer(vector({}, { model: 'running', parameters }));

const statistics = (name: string, version = '') => ({
  grpc: rpc('ModelStatistics', { name, version }),
  rest: get(`/v2/models/${name}${version && `/versions/${version}`}/stats`),
});

export const EXTENSION_ERROR_CASES: readonly ErrorCase[] = [
  {
    row: 21,
    what: 'fewer texts than the shape',
    send: infer({ model: 'text', inputs: [texts([3], 1, 0, 0, 0, 97, 0, 0, 0, 0)] }),
    ...REFUSED,
    message: "expected 3 string elements for inference input 'x' for model 'text', got 2",
  },
  {
    row: 22,
    what: 'more texts than the shape',
    send: infer({ model: 'text', inputs: [texts([1], 1, 0, 0, 0, 97, 0, 0, 0, 0)] }),
    ...REFUSED,
    message: "unexpected number of string elements 2 for inference input 'x' for model 'text', expecting 1",
  },
  {
    row: 23,
    what: 'texts that end in a length',
    send: infer({ model: 'text', inputs: [texts([2], 1, 0, 0, 0, 97, 1, 0)] }),
    ...REFUSED,
    message: /^incomplete string length indicator for inference input/,
  },
  ...(['priority', 'timeout'] as const).map((key): ErrorCase => ({
    row: 34,
    what: `a text for ${key}`,
    send: infer({ model: 'batched', parameters: { [key]: 'high' }, inputs: [matrix('INPUT0'), matrix('INPUT1')] }),
    ...REFUSED,
    message: `invalid value type for '${key}' parameter, expected int64_param or uint64_param.`,
  })),
  {
    row: 34,
    what: 'a number for sequence_start',
    send: running({ sequence_id: 30, sequence_start: 1 }),
    ...REFUSED,
    message: "invalid value type for 'sequence_start' parameter, expected bool_param.",
  },
  {
    row: 34,
    what: 'a number for a region of shared memory',
    send: {
      grpc: rpc('ModelInfer', {
        model_name: 'vector',
        inputs: [
          {
            name: 'x',
            datatype: 'FP32',
            shape: ['2'],
            parameters: { shared_memory_region: { int64_param: '7' }, shared_memory_byte_size: { int64_param: '8' } },
          },
        ],
      }),
      rest: post('/v2/models/vector/infer', {
        inputs: [
          {
            name: 'x',
            datatype: 'FP32',
            shape: [2],
            parameters: { shared_memory_region: 7, shared_memory_byte_size: 8 },
          },
        ],
      }),
    },
    ...REFUSED,
    message: /^invalid value type for 'shared_memory_region' parameter for tensor 'x'/,
  },
  {
    row: 50,
    what: 'a configuration that is no JSON',
    send: load('simple', { config: '{' }, { config: { string_param: '{' } }),
    ...REFUSED,
    message: /^failed to load 'simple', /,
  },
  {
    row: 50,
    what: 'a configuration with a field that nobody knows',
    send: load('simple', { config: '{"inputs":[]}' }, { config: { string_param: '{"inputs":[]}' } }),
    ...REFUSED,
    message: /^failed to load 'simple', /,
  },
  {
    row: 51,
    what: 'files without a configuration',
    send: load('simple', { 'file:1/model.onnx': 'AA==' }, { 'file:1/model.onnx': { bytes_param: Buffer.alloc(1) } }),
    ...REFUSED,
    message: "Load parameter 'config' must be specified for model file override",
  },
  {
    row: 52,
    what: 'a file with too long a name',
    send: load(
      'simple',
      { config: '{}', [`file:1/${'a'.repeat(256)}`]: 'AA==' },
      { config: { string_param: '{}' }, [`file:1/${'a'.repeat(256)}`]: { bytes_param: Buffer.alloc(1) } },
    ),
    grpc: 'INTERNAL',
    rest: 500,
    message: /^failed to load 'simple', failed to poll from model repository/,
  },
  {
    row: 59,
    what: 'statistics of an unknown model',
    send: statistics('nope'),
    ...REFUSED,
    message: "requested model 'nope' is not available",
  },
  {
    row: 59,
    what: 'statistics of an unknown version',
    send: statistics('vector', '99'),
    ...REFUSED,
    message: "requested model version is not available for model 'vector'",
  },
  ...[{}, { sequence_id: 0 }, { sequence_id: '' }].map((parameters): ErrorCase => ({
    row: 62,
    what: `a model of sequences and no id: ${JSON.stringify(parameters)}`,
    send: running(parameters),
    ...REFUSED,
    message: "inference request to model 'running' must specify a non-zero or non-empty correlation ID",
  })),
  {
    row: 63,
    what: 'a sequence that was never started',
    send: running({ sequence_id: 77 }),
    ...REFUSED,
    message:
      "inference request for sequence 77 to model 'running' must specify the START flag on the first request of the sequence",
  },
  ...(
    [
      ['register', 'SystemSharedMemoryRegister', { name: 'r', key: '/k', byte_size: '8' }],
      ['unregister', 'SystemSharedMemoryUnregister', { name: 'r' }],
      ['unregister', 'CudaSharedMemoryUnregister', { name: 'r' }],
    ] as const
  ).map(([verb, method, message]): ErrorCase => ({
    row: 67,
    what: `${method} where clients may not share memory`,
    send: {
      grpc: rpc(method, message),
      rest: post(`/v2/${method.slice(0, -verb.length).toLowerCase()}/region/r/${verb}`, '{"key":"/k","byte_size":8}'),
    },
    ...UNSERVED,
    message: /^Client shared memory is disabled\. Start the server with '--allow-client-shm=true' to enable\./,
  })),
];

function matrix(name: string): SentTensor {
  return { ...pair(name), shape: [1, 2] };
}

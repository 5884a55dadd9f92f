import { get, infer, post, rpc, type Send } from '../support/wires.js';
import { callRaw } from '../support/raw-rpc.js';
import {
  type ErrorCase,
  holds,
  isFalse,
  nested,
  TWO_60,
  pair,
  rowsOf,
  zeros,
  simple,
  vector,
  load,
  unload,
  vectorBody,
  vectorPath,
  REFUSED,
  UNKNOWN,
  UNREADY,
  UNSERVED,
  FAILED,
  FINE,
} from './error-case.js';

/** Every failure of the protocol's reference that this server can be brought to, row by row of its table. */

export const ERROR_CASES: readonly ErrorCase[] = [
  {
    row: 1,
    what: 'unknown model, inference',
    send: infer(vector({}, { model: 'nope' })),
    ...UNKNOWN,
    message: "Request for unknown model: 'nope' is not found",
  },
  {
    row: 1,
    what: 'unknown model, metadata',
    send: { grpc: rpc('ModelMetadata', { name: 'nope' }), rest: get('/v2/models/nope') },
    ...UNKNOWN,
    message: "Request for unknown model: 'nope' is not found",
  },
  {
    row: 1,
    what: 'unknown model, before anything else that is wrong',
    send: infer({ model: 'nope', inputs: [{ name: 'x', datatype: 'NONE', shape: [3], data: [1] }] }),
    ...UNKNOWN,
    message: "Request for unknown model: 'nope' is not found",
  },
  {
    row: 2,
    what: 'unknown version, inference',
    send: infer(vector({}, { version: '99' })),
    ...UNKNOWN,
    message: "Request for unknown model: 'vector' version 99 is not found",
  },
  {
    row: 2,
    what: 'unknown version, metadata',
    send: {
      grpc: rpc('ModelMetadata', { name: 'vector', version: '99' }),
      rest: get('/v2/models/vector/versions/99'),
    },
    ...UNKNOWN,
    message: "Request for unknown model: 'vector' version 99 is not found",
  },
  {
    row: 3,
    what: 'ModelReady, unknown model',
    send: {
      grpc: holds(rpc('ModelReady', { name: 'nope' }), isFalse('ready')),
      rest: get('/v2/models/nope/ready'),
    },
    grpc: 'OK',
    rest: 404,
    message: { grpc: '', rest: "Request for unknown model: 'nope' is not found" },
  },
  {
    row: 3,
    what: 'ModelReady, unknown version',
    send: {
      grpc: holds(rpc('ModelReady', { name: 'vector', version: '99' }), isFalse('ready')),
      rest: get('/v2/models/vector/versions/99/ready'),
    },
    grpc: 'OK',
    rest: 404,
    message: { grpc: '', rest: "Request for unknown model: 'vector' version 99 is not found" },
  },
  ...[
    { what: 'failed model', version: '' },
    { what: 'failed version', version: '1' },
  ].map(({ what, version }): ErrorCase => ({
    row: 3,
    what: `ModelReady, ${what}`,
    send: {
      grpc: holds(rpc('ModelReady', { name: 'broken', version }), isFalse('ready')),
      rest: holds(get(`/v2/models/broken${version && `/versions/${version}`}/ready`), isFalse('ready')),
    },
    grpc: 'OK',
    rest: 400,
    message: { grpc: '', rest: 'Model version not ready' },
  })),
  ...['wrong_specification', '-1', '1.0', '01', '1 '].map((version): ErrorCase => ({
    row: 4,
    what: `malformed version '${version}'`,
    send: infer(vector({}, { version })),
    grpc: 'INVALID_ARGUMENT',
    rest: 404,
    message: `failed to get model version from specified version string '${version}', version should be an integral value > 0`,
  })),
  {
    row: 5,
    what: 'the version that was asked for is not ready',
    send: infer(vector({}, { model: 'broken', version: '1' })),
    ...UNREADY,
    message: "Request for unknown model: 'broken' version 1 is not at ready state",
  },
  {
    row: 6,
    what: 'no version is ready, and none was asked for',
    send: infer(vector({}, { model: 'broken' })),
    ...UNKNOWN,
    message: "Request for unknown model: 'broken' has no available versions",
  },
  {
    row: 8,
    what: 'a server that is not ready',
    on: 'empty',
    send: {
      grpc: holds(rpc('ServerReady'), isFalse('ready')),
      rest: holds(get('/v2/health/ready'), isFalse('ready')),
    },
    grpc: 'OK',
    rest: 400,
    message: '',
  },
  {
    row: 8,
    what: 'a server that is not ready is live',
    on: 'empty',
    send: {
      grpc: holds(rpc('ServerLive'), (reply) => !isFalse('live')(reply)),
      rest: holds(get('/v2/health/live'), (reply) => !isFalse('live')(reply)),
    },
    ...FINE,
  },
  {
    row: 9,
    what: 'unknown datatype',
    send: { grpc: infer(vector({ datatype: 'FLOAT' })).grpc },
    ...REFUSED,
    message: "inference input 'x' data-type is '<invalid>', but model 'vector' expects 'FP32'",
  },
  {
    row: 9,
    what: 'unknown datatype of JSON data',
    send: { rest: infer(vector({ datatype: 'FLOAT' })).rest },
    ...REFUSED,
    message: 'invalid datatype for input x',
  },
  {
    row: 9,
    what: 'a datatype in lower case is unknown',
    send: infer(vector({ datatype: 'fp32', raw: Buffer.alloc(8) })),
    ...REFUSED,
    message: "inference input 'x' data-type is '<invalid>', but model 'vector' expects 'FP32'",
  },
  {
    row: 10,
    what: "another datatype than the model's",
    send: infer(vector({ datatype: 'INT32' })),
    ...REFUSED,
    message: "inference input 'x' data-type is 'INT32', but model 'vector' expects 'FP32'",
  },
  {
    row: 11,
    what: 'wrong shape',
    send: infer(simple({ shape: [1, 8], data: [1, 2, 3, 4, 5, 6, 7, 8] })),
    ...REFUSED,
    message: /^unexpected shape for input 'INPUT0' for model 'simple'\. Expected \[-1,16\], got \[1,8\]\. NOTE: /,
  },
  {
    row: 11,
    what: 'missing dimension',
    send: infer(simple({ shape: [16] })),
    ...REFUSED,
    message: /^unexpected shape for input 'INPUT0' for model 'simple'\. Expected \[-1,16\], got \[16\]\. NOTE: /,
  },
  {
    row: 12,
    what: 'a batch above the largest',
    send: infer({ model: 'batched', inputs: [rowsOf('INPUT0', 9), rowsOf('INPUT1', 9)] }),
    ...REFUSED,
    message: "inference request batch-size must be <= 8 for 'batched'",
  },
  {
    row: 13,
    what: 'inputs of batches of their own',
    send: infer({ model: 'batched', inputs: [rowsOf('INPUT0', 2), rowsOf('INPUT1', 3)] }),
    ...REFUSED,
    message: "input 'INPUT1' batch size does not match other inputs for 'batched'",
  },
  {
    row: 14,
    what: 'an input without a batch dimension',
    send: infer({
      model: 'batched',
      inputs: [{ name: 'INPUT0', datatype: 'INT32', shape: [], data: [1] }, rowsOf('INPUT1', 1)],
    }),
    ...REFUSED,
    message: "input 'INPUT0' has no shape but model requires batch dimension for 'batched'",
  },
  {
    row: 15,
    what: 'missing inputs, all of them required',
    send: infer({ model: 'three', inputs: [pair('INPUT0')] }),
    ...REFUSED,
    message:
      "expected 3 inputs but got 1 inputs for model 'three'. Got input(s) ['INPUT0'], but missing required input(s) ['INPUT1','INPUT2']. Please provide all required input(s).",
  },
  {
    row: 16,
    what: 'missing inputs, some of them optional',
    send: infer({ model: 'seeded', inputs: [] }),
    ...REFUSED,
    message:
      "expected number of inputs between 2 and 3 but got 0 inputs for model 'seeded'. Got input(s) [], but missing required input(s) ['INPUT0','INPUT1']. Please provide all required input(s).",
  },
  {
    row: 16,
    what: 'an optional input may stay away',
    send: infer({ model: 'seeded', inputs: [pair('INPUT0'), pair('INPUT1')] }),
    ...FINE,
  },
  {
    row: 17,
    what: 'unexpected input',
    send: infer({ ...vector(), inputs: [...vector().inputs, pair('BAD')] }),
    ...REFUSED,
    message: "unexpected inference input 'BAD' for model 'vector'",
  },
  {
    row: 18,
    what: 'the same input twice',
    send: infer({ ...vector(), inputs: [...vector().inputs, ...vector().inputs] }),
    ...REFUSED,
    message: "input 'x' already exists in request",
  },
  {
    row: 18,
    what: 'the same output twice',
    send: infer(simple({}, { outputs: ['OUTPUT0', 'OUTPUT1', 'OUTPUT0'] })),
    ...REFUSED,
    message: "output 'OUTPUT0' already exists in request",
  },
  {
    row: 19,
    what: 'unknown output',
    send: infer(simple({}, { outputs: ['OUTPUT0', 'NOPE'] })),
    ...REFUSED,
    message: "unexpected inference output 'NOPE' for model 'simple'",
  },
  ...[40, 24].map((bytes): ErrorCase => ({
    row: 20,
    what: `${bytes} raw bytes for 32`,
    send: infer(vector({ shape: [8], raw: Buffer.alloc(bytes) })),
    ...REFUSED,
    message: `input byte size mismatch for input 'x' for model 'vector'. Expected 32, got ${bytes}`,
  })),
  {
    row: 20,
    what: 'too few typed values',
    send: { grpc: infer(vector({ shape: [8] })).grpc },
    grpc: 'INVALID_ARGUMENT',
    message: "input byte size mismatch for input 'x' for model 'vector'. Expected 32, got 8",
  },
  {
    row: 24,
    what: 'JSON data shorter than the shape',
    send: { rest: infer(simple({ data: Array.from({ length: 15 }, () => 1) })).rest },
    rest: 400,
    message: /^Failed to parse 'data' field: shape does not match true shape: input 'INPUT0' has shape \[1,16\], /,
  },
  {
    row: 25,
    what: 'JSON data longer than the shape',
    send: { rest: infer(simple({ data: Array.from({ length: 18 }, () => 1) })).rest },
    rest: 400,
    message: /^Unable to parse 'data': Shape does not match true shape of 'data' field: input 'INPUT0' /,
  },
  ...(
    [
      ['syntax error', '{"inputs":[}', /^Unable to parse 'inputs': the body is not JSON, /],
      ['truncated', '{"inputs":[', /^Unable to parse 'inputs': the body is not JSON, /],
      ['no inputs', '{}', /^Unable to parse 'inputs': the request must have a JSON array there, got nothing$/],
      ['inputs of another type', '{"inputs":{}}', /^Unable to parse 'inputs': .* got an object$/],
      ['an input of another type', '{"inputs":[5]}', /^Unable to parse 'inputs': .* got 5$/],
      [
        'no name',
        '{"inputs":[{"datatype":"FP32","shape":[1],"data":[1]}]}',
        /^Unable to parse 'name': .* got nothing$/,
      ],
      ['no datatype', '{"inputs":[{"name":"x","shape":[1],"data":[1]}]}', /^Unable to parse 'datatype': input 'x' /],
      ['no shape', vectorBody('"data":[1]'), /^Unable to parse 'shape': input 'x' .* got nothing$/],
      ['shape of another type', vectorBody('"shape":2,"data":[1]'), /^Unable to parse 'shape': input 'x' .* got 2$/],
      ['text in the shape', vectorBody('"shape":["2"],"data":[1]'), /^Unable to parse 'shape': .*'x'.* got "2"$/],
      [
        'negative dimension',
        vectorBody('"shape":[-2],"data":[1]'),
        /^Unable to parse 'shape': attempt to access JSON non-unsigned-integer as unsigned-integer, input 'x' /,
      ],
      [
        'text among numbers',
        vectorBody('"shape":[2],"data":[1,"2"]'),
        /^Unable to parse 'data': input 'x' .* got "2"$/,
      ],
      ['an id of another type', '{"id":7,"inputs":[]}', /^Unable to parse 'id': the request .* got 7$/],
      ['outputs of another type', '{"inputs":[],"outputs":"y"}', /^Unable to parse 'outputs': the request .* got "y"$/],
      [
        'parameters of another type',
        '{"inputs":[],"parameters":[]}',
        /^Unable to parse 'parameters': .* got an array$/,
      ],
      [
        'a nested parameter',
        '{"inputs":[],"parameters":{"k":{}}}',
        /^Unable to parse 'parameters': 'k' .* got an object$/,
      ],
    ] as const
  ).map(([what, body, message]): ErrorCase => ({
    row: 26,
    what,
    send: { rest: post(vectorPath, body) },
    rest: 400,
    message,
  })),
  {
    row: 27,
    what: 'no data at all for an input',
    send: infer(simple({ data: undefined })),
    ...REFUSED,
    message: {
      grpc: "unable to find data for input tensor 'INPUT0' for model 'simple' in request.",
      rest: "Input must set only one of the following fields: 'data', 'binary_data_size' in 'parameters', 'shared_memory_region' in 'parameters'. But no field is set for input 'INPUT0'",
    },
  },
  {
    row: 28,
    what: 'typed and raw contents together',
    send: { grpc: infer(vector({ contents: { fp32_contents: [1, 2] }, raw: Buffer.alloc(8) })).grpc },
    grpc: 'INVALID_ARGUMENT',
    message: "contents field must not be specified when using raw_input_contents for 'x' for model 'vector'",
  },
  {
    row: 29,
    what: 'fewer raw contents than inputs',
    send: {
      grpc: infer({
        model: 'simple',
        inputs: [zeros('INPUT0', { raw: Buffer.alloc(64), data: undefined }), zeros('INPUT1', { data: undefined })],
      }).grpc,
    },
    grpc: 'INVALID_ARGUMENT',
    message: "unable to find data for input tensor 'INPUT1' for model 'simple' in request.",
  },
  {
    row: 30,
    what: 'more raw contents than inputs',
    send: {
      grpc: rpc('ModelInfer', {
        model_name: 'vector',
        inputs: [{ name: 'x', datatype: 'FP32', shape: ['2'] }],
        raw_input_contents: [Buffer.alloc(8), Buffer.alloc(8)],
      }),
    },
    grpc: 'INVALID_ARGUMENT',
    message:
      "raw_input_contents has 2 entries for 1 inputs of model 'vector': give one for each input, in the order of the inputs",
  },
  {
    row: 31,
    what: "another typed field than the datatype's",
    send: { grpc: infer(vector({ contents: { int_contents: [1, 2] } })).grpc },
    grpc: 'INVALID_ARGUMENT',
    message:
      "unexpected explicit tensor data for input tensor 'x' for model 'vector' of type 'INT32', expected datatype 'FP32'",
  },
  {
    row: 32,
    what: 'two typed fields',
    send: { grpc: infer(vector({ contents: { fp32_contents: [1, 2], fp64_contents: [1, 2] } })).grpc },
    grpc: 'INVALID_ARGUMENT',
    message: /^unexpected explicit tensor data for input tensor 'x' .* binary data was already supplied\.$/,
  },
  ...(
    [
      ['FP16', 'half'],
      ['BF16', 'brain'],
    ] as const
  ).map(([datatype, model]): ErrorCase => ({
    row: 33,
    what: `${datatype} in JSON`,
    send: { rest: infer({ model, inputs: [{ name: 'x', datatype, shape: [1], data: [1] }] }).rest },
    rest: 400,
    message: `receiving ${datatype} data via JSON is not supported. Please use the binary data format for input x`,
  })),
  {
    row: 35,
    what: 'a reserved parameter',
    send: infer(vector({}, { parameters: { triton_final_response: true } })),
    ...REFUSED,
    message:
      "parameter 'triton_final_response': parameter keys starting with 'triton_' are reserved for Triton usage. Only the following keys starting with 'triton_' are allowed: triton_enable_empty_final_response",
  },
  {
    row: 35,
    what: 'the one reserved parameter that callers may set',
    send: infer(vector({}, { parameters: { triton_enable_empty_final_response: true } })),
    ...FINE,
  },
  {
    row: 36,
    what: 'a message that is too large',
    on: 'small',
    send: infer(vector({ shape: [2_000], raw: Buffer.alloc(8_000) })),
    grpc: 'RESOURCE_EXHAUSTED',
    rest: 400,
    message: {
      grpc: /larger than max/,
      rest: /^request JSON size of \d+ bytes exceeds the maximum allowed input size of 4000 bytes\. /,
    },
  },
  {
    row: 37,
    what: 'data nested 101 deep',
    send: { rest: post(vectorPath, vectorBody(`"shape":[2],"data":${nested(101)}`)) },
    rest: 400,
    message: 'JSON nesting depth exceeds maximum allowed limit (100)',
  },
  {
    row: 37,
    what: 'data nested 50 deep is data',
    send: { rest: post(vectorPath, vectorBody(`"shape":[2],"data":${nested(50)}`)) },
    rest: 200,
    message: '',
  },
  {
    row: 44,
    what: 'an rpc that nobody knows',
    send: {
      grpc: async (server) => {
        const { status, details } = await callRaw(server, '/inference.GRPCInferenceService/Nope', [Buffer.alloc(0)]);
        return { status, message: details, outputs: [], reply: undefined };
      },
    },
    grpc: 'UNIMPLEMENTED',
    message: /\/inference\.GRPCInferenceService\/Nope/,
  },
  ...['/', '/v1/nope', '/v2/nope', '/base/v2', '/v2/models/vector/nope', '/v2/health/live/'].map((path): ErrorCase => ({
    row: 45,
    what: `unknown path ${path}`,
    send: { rest: get(path) },
    rest: 404,
    message: 'Not Found',
  })),
  {
    row: 45,
    what: 'a version without digits is no path, when it is of no model',
    send: { rest: post('/v2/models/nope/versions/abc/infer', '{"inputs":[]}') },
    rest: 404,
    message: "Request for unknown model: 'nope' version abc is not found",
  },
  ...(
    [
      ['POST on live', post('/v2/health/live')],
      ['GET on infer', get(vectorPath)],
      ['GET on load', get('/v2/repository/models/vector/load')],
    ] as const
  ).map(([what, rest]): ErrorCase => ({
    row: 45,
    what: `wrong method, ${what}`,
    send: { rest },
    rest: 405,
    message: 'Method Not Allowed',
  })),
  {
    row: 46,
    what: 'one reply from a decoupled model',
    send: infer({ model: 'counting', inputs: [{ name: 'n', datatype: 'INT32', shape: [1], data: [2] }] }),
    ...UNSERVED,
    message: /doesn't support models with decoupled transaction policy.*'counting'/,
  },
  ...(
    [
      ['load', load('vector')],
      ['load of an unknown model', load('nope')],
      ['unload', unload('vector')],
    ] as const
  ).map(([what, send]): ErrorCase => ({
    row: 47,
    what: `${what} without explicit control`,
    on: 'uncontrolled',
    send,
    ...UNREADY,
    message: 'explicit model load / unload is not allowed if polling is enabled',
  })),
  {
    row: 48,
    what: 'load of an unknown model',
    send: load('nope'),
    ...UNKNOWN,
    message: "failed to load 'nope', failed to poll from model repository",
  },
  {
    row: 49,
    what: 'load that fails',
    send: load('broken'),
    ...REFUSED,
    message: "load failed for model 'broken': version 1 is at UNAVAILABLE state: the weights are gone;",
  },
  {
    row: 53,
    what: 'load without a name',
    send: { grpc: rpc('RepositoryModelLoad', { model_name: '' }) },
    grpc: 'INVALID_ARGUMENT',
    message: 'Model name cannot be empty. Please enter a valid name to deploy.',
  },
  {
    row: 53,
    what: 'load of a blank name',
    send: load('  '),
    ...REFUSED,
    message: 'Model name cannot be empty. Please enter a valid name to deploy.',
  },
  ...['..', ' .. ', '../simple', 'a/../../b', '/etc', '..\\simple'].map((name): ErrorCase => ({
    row: 54,
    what: `load of '${name}'`,
    // Clients resolve a segment of two dots themselves, however it is written.
    send: name === '..' ? { grpc: load(name).grpc } : load(name),
    ...REFUSED,
    message: 'model name must not contain path traversal characters',
  })),
  ...['...', '..my_model', 'model..1'].map((name): ErrorCase => ({
    row: 54,
    what: `'${name}' is a name`,
    send: load(name),
    ...UNKNOWN,
    message: `failed to load '${name}', failed to poll from model repository`,
  })),
  {
    row: 54,
    what: 'unload does not mind',
    send: unload('../simple'),
    ...FINE,
  },
  {
    row: 55,
    what: 'unknown load parameter',
    send: load('vector', { k: 'v' }, { k: { string_param: 'v' } }),
    ...REFUSED,
    message: "unrecognized load parameter 'k'.",
  },
  {
    row: 55,
    what: 'load parameter of the wrong type',
    send: load('vector', { config: true }, { config: { bool_param: true } }),
    ...REFUSED,
    message: "invalid value type for load parameter 'config', expected string_param.",
  },
  {
    row: 55,
    what: 'file of the wrong type',
    send: load('vector', { 'file:1/model.onnx': 1 }, { 'file:1/model.onnx': { string_param: 'AA==' } }),
    ...REFUSED,
    message: "invalid value type for load parameter 'file:1/model.onnx', expected bytes_param.",
  },
  {
    row: 55,
    what: 'unknown unload parameter',
    send: unload('vector', { k: true }, { k: { bool_param: true } }),
    ...REFUSED,
    message: "unrecognized unload parameter 'k'.",
  },
  { row: 56, what: 'unload of an unknown model', send: unload('nope'), ...FINE },
  {
    row: 58,
    what: 'index of a named repository',
    send: { grpc: rpc('RepositoryIndex', { repository_name: 'other' }), rest: post('/v2/repository/other/index') },
    ...UNSERVED,
    message: "'repository_name' specification is not supported",
  },
  {
    row: 58,
    what: 'load from a named repository',
    send: { grpc: rpc('RepositoryModelLoad', { repository_name: 'other', model_name: 'vector' }) },
    grpc: 'UNIMPLEMENTED',
    message: "'repository_name' specification is not supported",
  },
  {
    row: 58,
    what: 'unload from a named repository',
    send: { grpc: rpc('RepositoryModelUnload', { repository_name: 'other', model_name: 'vector' }) },
    grpc: 'UNIMPLEMENTED',
    message: "'repository_name' specification is not supported",
  },
  ...['-1', '16', '99999999999', 'abc', '0x10', '1.5'].map((length): ErrorCase => ({
    row: 80,
    what: `Inference-Header-Content-Length ${length}`,
    send: { rest: post(vectorPath, '{"inputs":[]}  ', { 'inference-header-content-length': length }) },
    rest: 400,
    message: `inference header size should be in range (0, 15), got: ${length}`,
  })),
  {
    row: 81,
    what: 'more binary data than declared',
    send: { rest: binaryVector(8, 12) },
    rest: 400,
    message: /^unexpected additional input data for model 'vector'/,
  },
  {
    row: 81,
    what: 'less binary data than declared',
    send: { rest: binaryVector(8, 3) },
    rest: 400,
    message: "unexpected size for input 'x', expecting 5 additional bytes for model 'vector'",
  },
  {
    row: 82,
    what: 'element count beyond 64 bits',
    send: infer({ model: 'matrix', inputs: [{ name: 'x', datatype: 'FP32', shape: [16, TWO_60 + 2n], data: [1] }] }),
    ...REFUSED,
    message: /input 'x'.* causes total element count to exceed maximum size of /,
  },
  {
    row: 82,
    what: 'byte size beyond 64 bits',
    send: infer({
      model: 'doubles',
      inputs: [{ name: 'x', datatype: 'FP64', shape: [2n ** 30n, 2n ** 30n], data: [1] }],
    }),
    ...REFUSED,
    message: /byte size overflow for input 'x'/,
  },
  ...['"yes"', '1', '[]'].map((ready): ErrorCase => ({
    row: 83,
    what: `index with ready ${ready}`,
    send: { rest: post('/v2/repository/index', `{"ready":${ready}}`) },
    rest: 400,
    message: "Invalid value for 'ready': expected a boolean",
  })),
  {
    row: 85,
    what: 'a model that raises, without its own words',
    send: infer(vector({}, { model: 'raising' })),
    ...FAILED,
    message: "model 'raising' failed to execute the request",
  },
  ...(
    [
      ['FP16', 'to_half'],
      ['BF16', 'to_brain'],
    ] as const
  ).map(([datatype, model]): ErrorCase => ({
    row: 86,
    what: `${datatype} cannot be JSON`,
    send: { rest: infer(vector({}, { model })).rest },
    rest: 400,
    message: `sending ${datatype} data via JSON is not supported. Please use the binary data format for output y`,
  })),
  {
    row: 86,
    what: 'text that is not UTF-8 cannot be JSON',
    send: {
      rest: infer({
        model: 'text',
        inputs: [{ name: 'x', datatype: 'BYTES', shape: [1], raw: Buffer.from([1, 0, 0, 0, 0xff]) }],
      }).rest,
    },
    rest: 400,
    message: /^output 'y' holds bytes that are not UTF-8, which JSON cannot carry/,
  },
];

/** A binary request that declares one number of bytes and brings another. */
function binaryVector(declared: number, sent: number): Send {
  const json = vectorBody(`"shape":[2],"parameters":{"binary_data_size":${declared}}`);
  return post(vectorPath, Buffer.concat([Buffer.from(json), Buffer.alloc(sent)]), {
    'inference-header-content-length': String(json.length),
  });
}

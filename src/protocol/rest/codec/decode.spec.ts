import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ServingError } from '../../../core/errors/serving-error.js';
import type { EncodedRequest } from '../../../core/inference/request.js';
import { type Datatype, DATATYPES, datatypeInfo } from '../../../core/tensor/datatype.js';
import type { EncodedTensor } from '../../../core/tensor/encoded-tensor.js';
import { decodeJsonData } from '../../../core/tensor/json-data.js';
import { decodeRaw } from '../../../core/tensor/raw.js';
import { Tensor, viewBytes } from '../../../core/tensor/tensor.js';
import { HEADER_LENGTH_HEADER } from '../request-header.js';
import { decodeInferRequest } from './decode.js';
import { encodeInferResponse } from './encode.js';

const decode = (body: string | Buffer, headerLength?: string | number): EncodedRequest =>
  decodeInferRequest({
    model: 'm',
    version: '',
    headerLength: headerLength === undefined ? undefined : String(headerLength),
    body: Buffer.from(body),
  });

/** A JSON header with the bytes that follow it. */
function decodeBinary(json: string, ...blobs: readonly Buffer[]): EncodedRequest {
  const header = Buffer.from(json);
  return decode(Buffer.concat([header, ...blobs]), header.length);
}

function refusal(run: () => unknown): ServingError {
  try {
    run();
  } catch (error) {
    if (error instanceof ServingError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

const input = (fields: string): string => `{"inputs":[{"name":"x","datatype":"INT32",${fields}}]}`;
const withRequest = (fields: string): string =>
  `{"inputs":[{"name":"x","datatype":"INT32","shape":[1],"data":[1]}],${fields}}`;

describe('a JSON body', () => {
  it('becomes an encoded request', () => {
    const body = `{"id":"7","parameters":{"a":1,"b":"s","c":true,"d":1.5},"unknown":{"deep":[]},
      "inputs":[{"name":"x","datatype":"NONE","shape":[2.0,1],"parameters":{"k":"v"},"data":[[1],[2]]}],
      "outputs":[{"name":"y","parameters":{"binary_data":true,"classification":2}},{"name":"z"}]}`;
    expect(decodeInferRequest({ model: 'm', version: '3', headerLength: undefined, body: Buffer.from(body) })).toEqual({
      model: 'm',
      version: '3',
      id: '7',
      parameters: new Map<string, unknown>([
        ['a', 1],
        ['b', 's'],
        ['c', true],
        ['d', 1.5],
      ]),
      inputs: [{ name: 'x', datatype: 'NONE', shape: [2, 1], contents: { kind: 'json', value: [[1], [2]] } }],
      outputs: [
        {
          name: 'y',
          parameters: new Map<string, unknown>([
            ['binary_data', true],
            ['classification', 2],
          ]),
        },
        { name: 'z', parameters: new Map() },
      ],
    });
  });

  it.each([
    ['an empty id is none', withRequest('"id":""'), { id: '', outputs: [] }],
    ['empty outputs are all outputs', withRequest('"outputs":[]'), { outputs: [] }],
    ['no inputs are left to the model', '{"inputs":[]}', { inputs: [] }],
    ['a repeated key counts as its last', '{"inputs":5,"inputs":[]}', { inputs: [] }],
    [
      'a repeated key counts as its last in the exact parser too',
      '{"id":"a","id":"b","parameters":{"seed":9007199254740993},"inputs":[]}',
      { id: 'b', parameters: new Map([['seed', 9007199254740993n]]) },
    ],
    [
      'the one reserved key that callers may set',
      withRequest('"parameters":{"triton_enable_empty_final_response":true}'),
      {},
    ],
    ['the header length may cover the whole body', '{"inputs":[]}', { inputs: [] }],
  ])('%s', (_, body, expected) => {
    expect(decode(body)).toMatchObject(expected);
    expect(decode(body, Buffer.byteLength(body))).toMatchObject(expected);
  });

  it('lets a tensor without elements go without data', () => {
    expect(decode(input('"shape":[0,4]')).inputs).toEqual([
      { name: 'x', datatype: 'INT32', shape: [0, 4], contents: { kind: 'none' } },
    ]);
  });

  it.each([
    ['INT64', '[[9223372036854775807],[-9223372036854775808]]', [[9223372036854775807n], [-9223372036854775808n]]],
    ['UINT64', '[18446744073709551615]', [18446744073709551615n]],
    ['INT64', '[1,9007199254740993]', [1, 9007199254740993n]],
    ['INT64', '9007199254740993', 9007199254740993n],
    ['FP64', '[9007199254740993]', [9007199254740992]],
  ])('keeps every digit of 64-bit integers: %s %s', (datatype, data, value) => {
    const body = `{"inputs":[{"name":"x","datatype":"${datatype}","shape":[1],"data":${data}}]}`;
    expect(decode(body).inputs[0]?.contents).toEqual({ kind: 'json', value });
  });

  it('keeps every digit of parameters', () => {
    const body = '{"inputs":[],"outputs":[{"name":"y","parameters":{"k":-9007199254740993}}]}';
    expect(decode(body).outputs[0]?.parameters).toEqual(new Map([['k', -9007199254740993n]]));
  });

  it('takes bare NaN and Infinity', () => {
    const { inputs } = decode(input('"shape":[3],"data":[NaN,-Infinity,Infinity]'));
    expect(inputs[0]?.contents).toEqual({ kind: 'json', value: [Number.NaN, -Infinity, Infinity] });
  });

  it('F24: takes any depth where nobody looks, and leaves that of data to its decoder', () => {
    const deep = `${'['.repeat(100_000)}1${']'.repeat(100_000)}`;
    expect(decode(`{"inputs":[],"extra":${deep}}`).inputs).toEqual([]);
    for (const datatype of ['INT32', 'INT64']) {
      const body = `{"inputs":[{"name":"x","datatype":"${datatype}","shape":[1],"data":${deep}}]}`;
      expect(decode(body).inputs[0]?.contents.kind).toBe('json');
    }
  });

  it.each([
    ['parameters', withRequest(`"parameters":{"p":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)],
    ['inputs', `{"inputs":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['the whole body', '['.repeat(100_000)],
    ['data of a 64-bit tensor, unreadably', `{"inputs":[{"datatype":"INT64","data":${'['.repeat(100_000)}`],
    ['data with a bare NaN', input(`"shape":[1],"data":${'['.repeat(100_000)}NaN${']'.repeat(100_000)}`)],
  ])('F24: refuses %s nested 100,000 deep without a stack overflow', (_, body) => {
    expect(refusal(() => decode(body)).code).toBe('invalid-argument');
  });

  it.each([
    ['empty', '', 'the body is empty'],
    ['null', 'null', 'the body must be a JSON object, got null'],
    ['an array', '[]', 'the body must be a JSON object, got an array'],
    ['a number', '12', 'the body must be a JSON object, got 12'],
    ['truncated', '{"inputs":[', 'the body is not JSON, unexpected end of JSON'],
    ['with a byte order mark', '\ufeff{"inputs":[]}', 'the body starts with a byte order mark'],
    ['with trailing garbage', '{"inputs":[]}x', 'the body is not JSON, unexpected character "x" at position 13'],
    ['not UTF-8', Buffer.from('7b22ff227d', 'hex'), 'the body is not UTF-8'],
    ['without inputs', '{}', 'the request must have a JSON array there, got nothing'],
    ['with inputs of another kind', '{"inputs":{}}', 'the request must have a JSON array there, got an object'],
    ['with an input of another kind', '{"inputs":[3]}', 'each of the inputs must be a JSON object, got 3'],
  ])("F22: a body %s is an error of 'inputs'", (_, body, problem) => {
    const { code, message } = refusal(() => decode(body));
    expect(code).toBe('invalid-argument');
    expect(message).toContain(`Unable to parse 'inputs': ${problem}`);
  });

  it.each([
    ['id', withRequest('"id":5'), "Unable to parse 'id': the request must have a string there, got 5"],
    ['id', withRequest('"id":null'), "Unable to parse 'id': the request must have a string there, got null"],
    ['parameters', withRequest('"parameters":[]'), "'parameters' of the request must be a JSON object, got an array"],
    [
      'a nested parameter',
      withRequest('"parameters":{"p":{}}'),
      "'p' of the request must be a string, a number or a boolean, got an object",
    ],
    [
      'a list parameter',
      withRequest('"parameters":{"p":[1]}'),
      "'p' of the request must be a string, a number or a boolean, got an array",
    ],
    [
      'a null parameter',
      withRequest('"parameters":{"p":null}'),
      "'p' of the request must be a string, a number or a boolean, got null",
    ],
    ['a reserved parameter', withRequest('"parameters":{"triton_x":1}'), 'reserved for Triton usage'],
    [
      'binary_data_output',
      withRequest('"parameters":{"binary_data_output":"yes"}'),
      '\'binary_data_output\' of the request must be true or false, got "yes"',
    ],
    [
      'outputs',
      withRequest('"outputs":{}'),
      "Unable to parse 'outputs': the request must have a JSON array there, got an object",
    ],
    ['an output', withRequest('"outputs":["y"]'), 'each of the outputs must be a JSON object, got "y"'],
    [
      'the name of an output',
      withRequest('"outputs":[{"name":""}]'),
      "Unable to parse 'name': each of the outputs must have a name that is not empty",
    ],
    [
      'binary_data',
      withRequest('"outputs":[{"name":"y","parameters":{"binary_data":1}}]'),
      "'binary_data' of output 'y' must be true or false, got 1",
    ],
    [
      'no name',
      '{"inputs":[{"datatype":"INT32","shape":[1],"data":[1]}]}',
      "Unable to parse 'name': each of the inputs must have a string there, got nothing",
    ],
    [
      'no datatype',
      '{"inputs":[{"name":"x","shape":[1],"data":[1]}]}',
      "Unable to parse 'datatype': input 'x' must have a string there, got nothing",
    ],
    ['no shape', input('"data":[1]'), "Unable to parse 'shape': input 'x' must have a JSON array there, got nothing"],
    [
      'F03: a negative dimension',
      input('"shape":[-1],"data":[1]'),
      "Unable to parse 'shape': attempt to access JSON non-unsigned-integer as unsigned-integer, input 'x' has dimension -1",
    ],
    [
      'F03: a fraction',
      input('"shape":[1.5],"data":[1]'),
      "Unable to parse 'shape': a dimension of input 'x' must be an integer, got 1.5",
    ],
    ['F03: a text', input('"shape":["1"],"data":[1]'), 'a dimension of input \'x\' must be an integer, got "1"'],
    ['F03: null', input('"shape":[null],"data":[1]'), "a dimension of input 'x' must be an integer, got null"],
    ['F03: NaN', input('"shape":[NaN],"data":[1]'), "a dimension of input 'x' must be an integer, got NaN"],
    [
      'F01: a dimension beyond 2^53',
      input('"shape":[16,1152921504606846978],"data":[1]'),
      "of input 'x' causes total element count to exceed maximum size of 9007199254740991",
    ],
    ['F03: an infinite dimension', input('"shape":[1e999],"data":[1]'), 'dimension Infinity of input'],
    [
      'no data',
      input('"shape":[1]'),
      "Input must set only one of the following fields: 'data', 'binary_data_size' in 'parameters', 'shared_memory_region' in 'parameters'. But no field is set for input 'x'",
    ],
    [
      'data twice',
      input('"shape":[1],"data":[1],"parameters":{"binary_data_size":4}'),
      "But more than one field is set for input 'x'",
    ],
  ])('refuses %s: %s', (_, body, problem) => {
    const { code, message } = refusal(() => decode(body));
    expect(message).toContain(problem);
    expect(code).toBe('invalid-argument');
  });

  it('reads where tensors in shared memory are', () => {
    const at = '"parameters":{"shared_memory_region":"r","shared_memory_byte_size":4,"shared_memory_offset":8}';
    const slice = { region: 'r', offset: 8, byteSize: 4 };
    expect(decode(input(`"shape":[1],${at}`)).inputs[0]?.contents).toEqual({ kind: 'shared', slice });
    expect(decode(withRequest(`"outputs":[{"name":"y",${at}}]`)).outputs[0]?.slice).toEqual(slice);
  });

  it('keeps messages short, whatever the caller sent', () => {
    expect(refusal(() => decode(`"${'x'.repeat(1_000_000)}"`)).message.length).toBeLessThan(200);
  });
});

describe('binary tensor data', () => {
  const binary = (...sizes: readonly (number | string)[]): string => {
    const inputs = sizes.map(
      (size, i) => `{"name":"x${i}","datatype":"UINT8","shape":[4],"parameters":{"binary_data_size":${size}}}`,
    );
    return `{"inputs":[${inputs.join(',')}]}`;
  };

  it('is viewed in the order of the inputs, beside JSON inputs', () => {
    const json = `{"inputs":[
      {"name":"a","datatype":"UINT8","shape":[2],"parameters":{"binary_data_size":2}},
      {"name":"b","datatype":"UINT8","shape":[1],"data":[9]},
      {"name":"c","datatype":"UINT8","shape":[0],"parameters":{"binary_data_size":0}},
      {"name":"d","datatype":"UINT8","shape":[3],"parameters":{"binary_data_size":3}}]}`;
    const body = Buffer.concat([Buffer.from(json), Buffer.from([1, 2, 3, 4, 5])]);
    const request = decodeInferRequest({ model: 'm', version: '', headerLength: String(json.length), body });
    expect(request.inputs.map(({ contents }) => contents)).toEqual([
      { kind: 'raw', bytes: Buffer.from([1, 2]) },
      { kind: 'json', value: [9] },
      { kind: 'raw', bytes: Buffer.alloc(0) },
      { kind: 'raw', bytes: Buffer.from([3, 4, 5]) },
    ]);
    const [first] = request.inputs;
    expect(first?.contents.kind === 'raw' && first.contents.bytes.buffer === body.buffer).toBe(true);
  });

  it('may be all there is: the raw request', () => {
    expect(decode(Buffer.from([1, 2, 3, 4]), 0)).toEqual({
      model: 'm',
      version: '',
      id: '',
      parameters: new Map([['binary_data_output', true]]),
      inputs: [],
      outputs: [],
      rawInput: Buffer.from([1, 2, 3, 4]),
    });
  });

  it.each(['-1', '14', '99999999999', '9'.repeat(400), 'abc', '0x0d', '1.5', '1e1', '', ' 13', '+13', '13, 13'])(
    'F30: refuses the header length %j',
    (length) => {
      const { code, message } = refusal(() => decode('{"inputs":[]}', length));
      expect(code).toBe('invalid-argument');
      expect(message).toBe(`inference header size should be in range (0, 13), got: ${length}`);
    },
  );

  it.each(['-1', '1.5', '"4"', 'true', '9007199254740993', '1e999'])('F31: refuses the size %s', (size) => {
    const { code, message } = refusal(() => decodeBinary(binary(size), Buffer.alloc(4)));
    expect(code).toBe('invalid-argument');
    expect(message).toContain("Unable to parse 'binary_data_size': input 'x0' must have an integer >= 0 there");
  });

  it.each([
    ['past the body', [4, 4], 6, "unexpected size for input 'x1', expecting 2 additional bytes for model 'm'"],
    ['far past the body', [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER], 4, "unexpected size for input 'x0'"],
    ['short of the body', [4], 5, "unexpected additional input data for model 'm'"],
    ['nothing', [], 1, "unexpected additional input data for model 'm'"],
  ])('F31: refuses sizes that sum to %s', (_, sizes, length, problem) => {
    const { code, message } = refusal(() => decodeBinary(binary(...sizes), Buffer.alloc(length)));
    expect(code).toBe('invalid-argument');
    expect(message).toContain(problem);
  });
});

const NAMES = Object.keys(DATATYPES) as Datatype[];

/** Tensors of every datatype; `text` keeps BYTES to what JSON can carry. */
function tensors(datatype: Datatype, text: boolean): fc.Arbitrary<Tensor> {
  const shapes = fc.array(fc.nat({ max: 4 }), { maxLength: 3 });
  return shapes.chain((shape): fc.Arbitrary<Tensor> => {
    const count = shape.reduce((product, dimension) => product * dimension, 1);
    const length = { minLength: count, maxLength: count };
    if (datatype === 'BYTES') {
      const elements = text
        ? fc.string({ unit: 'binary' }).map((element) => Buffer.from(element))
        : fc.uint8Array().map((element) => Buffer.from(element));
      return fc.array(elements, length).map((data) => new Tensor(datatype, shape, data));
    }
    const { size } = datatypeInfo(datatype);
    const bytes = fc.uint8Array({
      minLength: count * size,
      maxLength: count * size,
      max: datatype === 'BOOL' ? 1 : 255,
    });
    return bytes.map((raw) => new Tensor(datatype, shape, viewBytes(datatype, raw)));
  });
}

function decodeTensor({ name, datatype, shape, contents }: EncodedTensor): Tensor {
  const place = { input: name, model: 'm' };
  if (contents.kind === 'raw') return decodeRaw(datatype as Datatype, shape, contents.bytes, place);
  if (contents.kind === 'json') return decodeJsonData(datatype as Datatype, shape, contents.value, place);
  throw new Error(`unexpected ${contents.kind} contents`);
}

describe('round trips', () => {
  const cases = NAMES.flatMap((datatype) => {
    const half = datatypeInfo(datatype).numbers === 'half';
    return half ? [[datatype, true] as const] : [[datatype, true] as const, [datatype, false] as const];
  });

  it.each(cases)('%s, binary: %s: what is written as outputs is read back as inputs', (datatype, binary) => {
    const anyTensor = tensors(datatype, !binary);
    fc.assert(
      fc.property(fc.array(fc.tuple(anyTensor, fc.string()), { minLength: 1, maxLength: 3 }), (entries) => {
        const outputs = entries.map(([tensor, suffix], i) => ({ name: `${i}${suffix}`, tensor }));
        const request = {
          parameters: new Map(),
          outputs: outputs.map(({ name }) => ({ name, parameters: new Map([['binary_data', binary]]) })),
        };
        const response = { model: 'm', version: '1', id: 'i', parameters: new Map(), outputs };
        const { headers, body } = encodeInferResponse(request, response, 'bare');
        const sent = Buffer.from(body as string);
        const length = Number(headers[HEADER_LENGTH_HEADER] ?? sent.length);
        const json = Buffer.from(sent.toString('utf8', 0, length).replace('"outputs":[', '"inputs":['));
        const decoded = decode(Buffer.concat([json, sent.subarray(length)]), json.length);
        expect(decoded.id).toBe('i');
        expect(decoded.inputs.map((read) => ({ name: read.name, tensor: decodeTensor(read) }))).toEqual(outputs);
      }),
      { numRuns: 60 },
    );
  });
});

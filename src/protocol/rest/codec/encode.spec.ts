import { describe, expect, it } from 'vitest';
import { ServingError } from '../../../core/errors/serving-error.js';
import type { Parameters, ParameterValue } from '../../../core/inference/parameters.js';
import type { InferenceResponse } from '../../../core/inference/response.js';
import { bytes, fp16, fp32, int32, int64 } from '../../../core/tensor/kinds.js';
import { HEADER_LENGTH_HEADER } from '../request-header.js';
import { encodeInferResponse } from './encode.js';

const response = (fields: Partial<InferenceResponse> = {}): InferenceResponse => ({
  model: 'simple',
  version: '1',
  id: '',
  parameters: new Map(),
  outputs: [
    { name: 'OUTPUT0', tensor: int32.of([1, 2], [1, 2]) },
    { name: 'OUTPUT1', tensor: int32.of([1, 2], [3, 4]) },
  ],
  ...fields,
});

const parameters = (values: Readonly<Record<string, ParameterValue>> = {}): Parameters =>
  new Map(Object.entries(values));

const NOTHING_ASKED = { parameters: parameters(), outputs: [] };
const ALL_BINARY = { parameters: parameters({ binary_data_output: true }), outputs: [] };

const JSON0 = '{"name":"OUTPUT0","datatype":"INT32","shape":[1,2],"data":[1,2]}';
const JSON1 = '{"name":"OUTPUT1","datatype":"INT32","shape":[1,2],"data":[3,4]}';
const BINARY0 = '{"name":"OUTPUT0","datatype":"INT32","shape":[1,2],"parameters":{"binary_data_size":8}}';
const BINARY1 = '{"name":"OUTPUT1","datatype":"INT32","shape":[1,2],"parameters":{"binary_data_size":8}}';
const BYTES0 = Buffer.from(Int32Array.of(1, 2).buffer);
const BYTES1 = Buffer.from(Int32Array.of(3, 4).buffer);

const asked = (all: boolean | undefined, ...outputs: readonly (readonly [string, boolean | undefined])[]) => ({
  parameters: all === undefined ? parameters() : parameters({ binary_data_output: all }),
  outputs: outputs.map(([name, binary]) => ({
    name,
    parameters: binary === undefined ? parameters() : parameters({ binary_data: binary }),
  })),
});

describe('which outputs are binary', () => {
  it.each([
    ['nothing asked', NOTHING_ASKED, [JSON0, JSON1], []],
    ['one of each', asked(undefined, ['OUTPUT0', true], ['OUTPUT1', false]), [BINARY0, JSON1], [BYTES0]],
    [
      'one asked, one only listed',
      asked(undefined, ['OUTPUT0', true], ['OUTPUT1', undefined]),
      [BINARY0, JSON1],
      [BYTES0],
    ],
    ['the second alone', asked(undefined, ['OUTPUT0', false], ['OUTPUT1', true]), [JSON0, BINARY1], [BYTES1]],
    ['all by default', ALL_BINARY, [BINARY0, BINARY1], [BYTES0, BYTES1]],
    ['none by default', asked(false), [JSON0, JSON1], []],
    [
      'the default does not reach listed outputs',
      asked(true, ['OUTPUT0', false], ['OUTPUT1', undefined]),
      [JSON0, JSON1],
      [],
    ],
  ])('%s', (_, request, outputs, blobs) => {
    const { headers, body } = encodeInferResponse(request, response(), 'bare');
    const json = `{"model_name":"simple","model_version":"1","outputs":[${outputs.join(',')}]}`;
    if (blobs.length === 0) {
      expect(headers).toEqual({ 'content-type': 'application/json; charset=utf-8' });
      expect(body).toBe(json);
    } else {
      expect(headers).toEqual({
        'content-type': 'application/octet-stream',
        [HEADER_LENGTH_HEADER]: String(json.length),
      });
      expect(body).toEqual(Buffer.concat([Buffer.from(json), ...blobs]));
    }
  });

  it('stays JSON when all that is binary is empty', () => {
    const empty = response({ outputs: [{ name: 'y', tensor: fp32.of([0, 4], []) }] });
    const { headers, body } = encodeInferResponse(ALL_BINARY, empty, 'bare');
    expect(headers).toEqual({ 'content-type': 'application/json; charset=utf-8' });
    expect(JSON.parse(String(body))).toMatchObject({
      outputs: [{ shape: [0, 4], parameters: { binary_data_size: 0 } }],
    });
  });

  it('counts the bytes of the JSON, not its characters', () => {
    const { headers, body } = encodeInferResponse(ALL_BINARY, response({ model: 'größe-模型' }), 'bare');
    const length = Number(headers[HEADER_LENGTH_HEADER]);
    expect(JSON.parse((body as Buffer).toString('utf8', 0, length))).toMatchObject({ model_name: 'größe-模型' });
    expect((body as Buffer).subarray(length)).toEqual(Buffer.concat([BYTES0, BYTES1]));
  });

  it('puts the elements of BYTES behind their lengths', () => {
    const text = response({ outputs: [{ name: 'y', tensor: bytes.of([2], ['a', Buffer.from([0xff])]) }] });
    const { headers, body } = encodeInferResponse(ALL_BINARY, text, 'bare');
    const binary = (body as Buffer).subarray(Number(headers[HEADER_LENGTH_HEADER]));
    expect(binary.toString('hex')).toBe('010000006101000000ff');
  });
});

describe('the JSON', () => {
  it('has the id and the parameters where there are any, in their order', () => {
    const full = response({
      id: 'a"b',
      parameters: parameters({ s: 'é', n: 1.5, big: 2n ** 63n, flag: false, bad: Number.NaN }),
      outputs: [],
    });
    expect(encodeInferResponse(NOTHING_ASKED, full, 'bare').body).toBe(
      '{"id":"a\\"b","model_name":"simple","model_version":"1","parameters":{"s":"é","n":1.5,"big":9223372036854775808,"flag":false,"bad":NaN},"outputs":[]}',
    );
    expect(encodeInferResponse(NOTHING_ASKED, full, 'null').body).toContain('"bad":null');
  });

  it.each([
    ['bare', 'NaN,Infinity,-Infinity,-0.0,0.10000000149011612'],
    ['null', 'null,null,null,-0.0,0.10000000149011612'],
  ] as const)('F14: writes what is no finite number %s', (nonFinite, data) => {
    const tensor = fp32.of([5], [Number.NaN, Infinity, -Infinity, -0, 0.1]);
    const { body } = encodeInferResponse(NOTHING_ASKED, response({ outputs: [{ name: 'y', tensor }] }), nonFinite);
    expect(body).toContain(`"data":[${data}]`);
  });

  it('F12: writes every digit of a 64-bit integer', () => {
    const tensor = int64.of([1], [2n ** 63n - 1n]);
    const { body } = encodeInferResponse(NOTHING_ASKED, response({ outputs: [{ name: 'y', tensor }] }), 'bare');
    expect(body).toContain('"data":[9223372036854775807]');
  });

  it.each([
    ['FP16', fp16.of([1], [1]), 'sending FP16 data via JSON is not supported'],
    ['bytes that are not UTF-8', bytes.of([1], [Buffer.from([0xff])]), "output 'y' holds bytes that are not UTF-8"],
  ])('refuses %s, which only binary data can carry', (_, tensor, problem) => {
    const answer = response({ outputs: [{ name: 'y', tensor }] });
    expect(() => encodeInferResponse(NOTHING_ASKED, answer, 'bare')).toThrow(
      expect.objectContaining({
        constructor: ServingError,
        code: 'invalid-argument',
        message: expect.stringContaining(problem),
      }),
    );
    expect(encodeInferResponse(ALL_BINARY, answer, 'bare').headers['content-type']).toBe('application/octet-stream');
  });
});

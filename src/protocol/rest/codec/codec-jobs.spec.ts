import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fp32, int32, Tensor } from '#core';
import { ServingError } from '../../../core/errors/serving-error.js';
import { NO_PARAMETERS, type Parameters } from '../../../core/inference/parameters.js';
import type { EncodedRequest } from '../../../core/inference/request.js';
import { type InferenceResponse, PlacedOutput } from '../../../core/inference/response.js';
import { DATATYPES, type Datatype, isDatatype } from '../../../core/tensor/datatype.js';
import { decodeJsonData } from '../../../core/tensor/json-data.js';
import { decodeRaw } from '../../../core/tensor/raw.js';
import { decodeInferRequest, type InferRequestParts } from './decode.js';
import { encodeInferResponse } from './encode.js';
import { decodedRequest, decodeJob, encodedReply, encodeJob, type Posted } from './codec-jobs.js';
import { runCodecJob } from './run-codec-job.js';

/** As `postMessage` would hand it over. */
const post = <T>({ message, moved }: Posted<T>): T => structuredClone(message, { transfer: moved as ArrayBuffer[] });

const decodeElsewhere = (parts: InferRequestParts): EncodedRequest =>
  decodedRequest(post(runCodecJob(post(decodeJob(parts)))));

const partsOf = (json: unknown, tail = Buffer.alloc(0)): InferRequestParts => {
  const text = Buffer.from(typeof json === 'string' ? json : JSON.stringify(json));
  // Memory of its own, as a large body has.
  const body = Buffer.from(new Uint8Array(Buffer.concat([text, tail])).buffer);
  return { model: 'm', version: '3', headerLength: tail.length > 0 ? String(text.length) : undefined, body };
};

const copyOf = (parts: InferRequestParts): InferRequestParts => ({ ...parts, body: Buffer.from(parts.body) });

/** All that a caller is told of a refusal. */
const told = (thrown: unknown) => {
  expect(thrown).toBeInstanceOf(ServingError);
  const { code, message, reason, field, retryAfterMs } = thrown as ServingError;
  return { code, message, reason, field, retryAfterMs };
};

const attempt = (decode: (parts: InferRequestParts) => EncodedRequest, parts: InferRequestParts): unknown => {
  try {
    return read(decode(parts));
  } catch (thrown) {
    return told(thrown);
  }
};

/** The request with its tensors read, or the error that each of them is. */
function read({ inputs, ...head }: EncodedRequest) {
  const tensors = inputs.map(({ name, datatype, shape, contents }) => {
    const place = { input: name, model: head.model };
    if (!isDatatype(datatype)) return [name, datatype, shape, contents.kind];
    try {
      if (contents.kind === 'refused') throw contents.error;
      if (contents.kind === 'json') return decodeJsonData(datatype, shape, contents.value, place);
      return decodeRaw(datatype, shape, contents.kind === 'raw' ? contents.bytes : new Uint8Array(), place);
    } catch (thrown) {
      return told(thrown);
    }
  });
  return { head, tensors };
}

const input = (datatype: string, data: unknown, shape: unknown = [2], name = 'x') => ({ name, datatype, shape, data });

describe('reading a request in another thread', () => {
  it.each([
    ['BOOL', [true, false]],
    ['UINT8', [0, 255]],
    ['INT32', [-2147483648, 2147483647]],
    ['INT32', [1.0, 2.0]],
    ['FP32', [0.1, -0]],
    ['FP64', [1e308, 5e-324]],
    ['BYTES', ['a', '\u0000\u{1F600}']],
    ['BYTES', ['', '']],
    ['BYTES', [1, 'x'.repeat(5_000)]],
    ['INT32', [[1], [2]]],
    ['INT32', [1]],
    ['INT32', [1, 2, 3]],
    ['INT32', [1, 'two']],
    ['INT32', [1, [2]]],
    ['INT8', [1, 300]],
    ['FP16', [1, 2]],
    ['FP99', [1, 2]],
    ['__proto__', [1, 2]],
  ])('%s of %j is what it is here', (datatype, data) => {
    const parts = partsOf({ inputs: [input(datatype, data)] });
    const here = read(decodeInferRequest(copyOf(parts)));
    expect(read(decodeElsewhere(parts))).toEqual(here);
  });

  it('64-bit integers keep every digit, NaN and infinities are what they were', () => {
    const exact = partsOf('{"inputs":[{"name":"x","datatype":"UINT64","shape":[1],"data":[18446744073709551615]}]}');
    expect(read(decodeElsewhere(exact)).tensors).toEqual([
      new Tensor('UINT64', [1], new BigUint64Array([2n ** 64n - 1n])),
    ]);
    const bare = partsOf('{"inputs":[{"name":"x","datatype":"FP32","shape":[2],"data":[NaN,-Infinity]}]}');
    expect(read(decodeElsewhere(bare)).tensors).toEqual([fp32.of([2], [Number.NaN, -Infinity])]);
  });

  it('binary data, several inputs, parameters and outputs come along', () => {
    const parts = partsOf(
      {
        id: 'i-1',
        parameters: { text: 'a', flag: true, count: 7 },
        inputs: [
          { name: 'a', datatype: 'INT32', shape: [2], parameters: { binary_data_size: 8 } },
          input('FP32', [1, 2], [2], 'b'),
          { name: 'c', datatype: 'INT32', shape: [0], parameters: { binary_data_size: 0 } },
          { name: 'd', datatype: 'BYTES', shape: [1], parameters: { binary_data_size: 5 } },
        ],
        outputs: [{ name: 'y', parameters: { binary_data: true } }],
      },
      Buffer.from('01000000020000000100000061', 'hex'),
    );
    const here = read(decodeInferRequest(copyOf(parts)));
    const there = decodeElsewhere(parts);
    expect(read(there)).toEqual(here);
    expect(here.tensors[0]).toEqual(int32.of([2], [1, 2]));
    expect(there.inputs.map(({ contents }) => contents.kind)).toEqual(['raw', 'raw', 'raw', 'raw']);
  });

  it.each([
    ['moves a body that has its memory to itself', 0, 0],
    ['moves one that is aligned in it', 7, 0],
    ['copies one that others may lie beside', 8, 8],
  ])('%s', (_, beside, left) => {
    const { body: text, ...parts } = partsOf({ inputs: [input('INT32', [1, 2])] });
    const body = Buffer.from(new ArrayBuffer(beside + text.length), beside);
    body.set(text);
    expect(read(decodedRequest(post(runCodecJob(post(decodeJob({ ...parts, body })))))).tensors).toEqual([
      int32.of([2], [1, 2]),
    ]);
    expect(body.buffer.byteLength).toBe(left === 0 ? 0 : left + text.length);
  });

  it('moves the tensors that it has read', () => {
    const { message, moved } = runCodecJob(decodeJob(partsOf({ inputs: [input('INT32', [1, 2])] })).message);
    expect(moved).toHaveLength(1);
    post({ message, moved });
    expect(moved[0]?.byteLength).toBe(0);
  });

  it.each([
    ['no JSON', '{"inputs":', /^Unable to parse 'inputs': the body is not JSON/, undefined],
    ['no inputs', '{}', /^Unable to parse 'inputs'/, undefined],
    [
      'shared memory',
      '{"outputs":[{"name":"y","parameters":{"shared_memory_region":"r"}}],"inputs":[]}',
      /'shared_memory_byte_size' must be specified/,
      'outputs["y"].parameters',
    ],
    ['100 000 levels', `{"inputs":${'['.repeat(100_000)}`, /nested deeper/, undefined],
  ])('%s is the same refusal as here', (_, json, message, field) => {
    const parts = partsOf(json);
    const here = attempt(decodeInferRequest, copyOf(parts));
    expect(here).toMatchObject({ code: 'invalid-argument', message: expect.stringMatching(message) as unknown, field });
    expect(attempt(decodeElsewhere, parts)).toEqual(here);
  });

  it('reads any JSON as it is read here', () => {
    const anything = fc.record(
      {
        name: fc.string(),
        datatype: fc.constantFrom(...Object.keys(DATATYPES), 'X'),
        shape: fc.array(fc.nat(3)),
        data: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(anything), (inputs) => {
        const parts = partsOf({ inputs });
        const here = attempt(decodeInferRequest, copyOf(parts));
        expect(attempt(decodeElsewhere, parts)).toEqual(here);
      }),
    );
  });

  it('tensors in shared memory stay where they are', () => {
    const parameters = { shared_memory_region: 'r', shared_memory_byte_size: 4 };
    const parts = partsOf({
      inputs: [{ name: 'x', datatype: 'FP32', shape: [1], parameters }],
      outputs: [{ name: 'y', parameters }],
    });
    const there = decodeElsewhere(copyOf(parts));
    expect(there).toEqual(decodeInferRequest(parts));
    expect(there.inputs[0]?.contents.kind).toBe('shared');
  });

  it('hides what nobody has foreseen, and keeps it for the log', () => {
    const decode = () => decodedRequest(post(runCodecJob({ kind: 'decode', parts: null } as never)));
    expect(decode).toThrow(
      expect.objectContaining({
        code: 'internal',
        message: 'Internal server error',
        cause: expect.objectContaining({ stack: expect.stringContaining('TypeError') as unknown }) as unknown,
      }),
    );
  });
});

describe('writing a reply in another thread', () => {
  const responseOf = (
    tensors: Readonly<Record<string, Tensor>>,
    parameters: Parameters = NO_PARAMETERS,
  ): InferenceResponse => ({
    model: 'm',
    version: '1',
    id: 'i',
    parameters,
    outputs: Object.entries(tensors).map(([name, tensor]) => ({
      name,
      tensor,
      ...(name === 'text' ? { contentType: 'str' } : {}),
    })),
  });
  const tensors: Readonly<Record<string, Tensor>> = {
    bool: new Tensor('BOOL', [2], new Uint8Array([0, 1])),
    int: int32.of([2], [1, -2]),
    big: new Tensor('INT64', [1], new BigInt64Array([-(2n ** 63n)])),
    float: fp32.of([3], [0.1, Number.NaN, -0]),
    text: new Tensor('BYTES', [2], [Buffer.from('ä'), Buffer.alloc(0)]),
    none: int32.of([0], []),
  };
  const wishes = (parameters: Parameters = NO_PARAMETERS, outputs: EncodedRequest['outputs'] = []) => ({
    parameters,
    outputs,
  });

  it.each([
    ['as JSON', wishes()],
    ['as binary data', wishes(new Map([['binary_data_output', true]]))],
    ['in a mixture', wishes(NO_PARAMETERS, [{ name: 'int', parameters: new Map([['binary_data', true]]) }])],
  ])('%s gives the same bytes', (_, request) => {
    const response = responseOf(
      tensors,
      new Map<string, string | bigint>([
        ['a', 'b'],
        ['n', 2n ** 60n],
      ]),
    );
    for (const nonFinite of ['bare', 'null'] as const) {
      const { headers, body } = encodeInferResponse(request, response, nonFinite);
      const there = encodedReply(post(runCodecJob(post(encodeJob(request, response, nonFinite)))));
      expect(there).toEqual({ headers, body: Buffer.from(body as Buffer) });
    }
  });

  it('of an output that is in place only tells what it is', () => {
    const { outputs, ...head } = responseOf(tensors);
    const response = { ...head, outputs: outputs.map(({ name, tensor }) => new PlacedOutput(name, tensor)) };
    const request = wishes(new Map([['binary_data_output', true]]));
    const { headers, body } = encodeInferResponse(request, response, 'bare');
    const there = encodedReply(post(runCodecJob(post(encodeJob(request, response, 'bare')))));
    expect(there).toEqual({ headers, body: Buffer.from(body as string) });
    expect(JSON.parse(body as string)).toMatchObject({
      outputs: outputs.map(({ name, tensor: { datatype, shape } }) => ({ name, datatype, shape })),
    });
    expect(body).not.toMatch(/data"|parameters/);
  });

  it.each([
    ['alone', new Float32Array(1_000)],
    ['beside others', new Float32Array(new ArrayBuffer(8_000), 8, 1_000)],
  ])('leaves outputs that lie %s in memory to the model, which may keep them', (_, data) => {
    data.fill(3);
    const response = responseOf({ y: new Tensor('FP32', [1_000], data) });
    post(encodeJob(wishes(), response, 'bare'));
    expect([data.length, data[0]]).toEqual([1_000, 3]);
  });

  it.each<[Datatype, Tensor]>([
    ['FP16', new Tensor('FP16', [1], new Uint16Array(1))],
    ['BYTES', new Tensor('BYTES', [1], [Buffer.from([0xff])])],
  ])('%s that JSON cannot carry is the same error', (_, tensor) => {
    const job = encodeJob(wishes(), responseOf({ y: tensor }), 'bare');
    expect(() => encodedReply(post(runCodecJob(post(job))))).toThrow(
      expect.objectContaining({ code: 'invalid-argument', message: expect.stringContaining('y') as unknown }),
    );
  });
});

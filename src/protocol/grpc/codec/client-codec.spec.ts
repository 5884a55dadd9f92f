import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ParameterValue } from '../../../core/inference/parameters.js';
import type { InferenceRequest } from '../../../core/inference/request.js';
import { bytes, fp16, fp32, int64 } from '../../../core/tensor/kinds.js';
import { encodeRaw } from '../../../core/tensor/raw.js';
import { loadContracts } from '../contracts.js';
import type { ModelInferRequest } from '../messages.js';
import { decodeParameters, encodeParameters } from '../parameters.js';
import { clientMethods } from './client-methods.js';
import { decodeModelInferRequest, encodeModelInferRequest } from './infer-request.js';
import { decodeModelInferResponse, encodeModelInferResponse } from './infer-response.js';
import { decodeModelStreamInferResponse, encodeModelStreamInferResponse } from './stream-response.js';

/** The direction of a client. The library's own codec of the same contracts is the oracle. */
const service = loadContracts()['inference.GRPCInferenceService'] as unknown as Record<
  'ModelInfer' | 'ModelStreamInfer',
  {
    readonly requestDeserialize: (bytes: Buffer) => ModelInferRequest;
    readonly responseSerialize: (message: object) => Buffer;
  }
>;

const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 12 }), fc.constant('constructor'));
const value: fc.Arbitrary<ParameterValue> = fc.oneof(
  fc.boolean(),
  text,
  fc.double({ noNaN: true }),
  fc.integer(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).filter((big) => !Number.isSafeInteger(Number(big))),
);
const parameters = fc.array(fc.tuple(text, value), { maxLength: 3 }).map((entries) => new Map(entries));
const tensor = fc.oneof(
  fc.array(fc.float(), { maxLength: 200 }).map((values) => fp32.of([values.length], values)),
  fc
    .array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { maxLength: 8 })
    .map((values) => int64.of([values.length, 1], values)),
  fc.array(text, { maxLength: 8 }).map((values) => bytes.of([values.length], values)),
  fc.constant(fp16.of([], [1.5])),
  fc.constant(fp32.of([0, 2 ** 40], [])),
);
const request: fc.Arbitrary<InferenceRequest> = fc.record({
  model: text,
  version: text,
  id: text,
  parameters,
  inputs: fc.dictionary(text, tensor, { maxKeys: 4, noNullPrototype: false }),
  outputs: fc.array(fc.record({ name: text, parameters }), { maxLength: 3 }),
});

describe('a ModelInferRequest', () => {
  it('is written as the library, and this server, read it', () => {
    fc.assert(
      fc.property(request, (given) => {
        const encoded = encodeModelInferRequest(given);
        for (const read of [service.ModelInfer.requestDeserialize, decodeModelInferRequest]) {
          const message = read(encoded);
          const { model_name = '', model_version = '', id = '', inputs = [], outputs = [] } = message;
          expect([model_name, model_version, id]).toEqual([given.model, given.version, given.id]);
          expect(decodeParameters(message.parameters, '')).toEqual(given.parameters);
          expect(inputs.map(({ name = '', datatype, shape = [] }) => [name, datatype, shape.map(Number)])).toEqual(
            Object.entries(given.inputs).map(([name, { datatype, shape }]) => [name, datatype, shape]),
          );
          expect((message.raw_input_contents ?? []).map((raw) => raw.toString('hex'))).toEqual(
            Object.values(given.inputs).map((each) => Buffer.from(encodeRaw(each)).toString('hex')),
          );
          expect(outputs.map((output) => [output.name ?? '', decodeParameters(output.parameters, '')])).toEqual(
            given.outputs.map((output) => [output.name, output.parameters]),
          );
        }
      }),
      { numRuns: 300 },
    );
  });

  it('leaves an optional input out', () => {
    const encoded = encodeModelInferRequest({
      model: 'm',
      version: '',
      id: '',
      parameters: new Map(),
      inputs: { x: undefined as never, y: fp32.of([1], [1]) },
      outputs: [],
    });
    expect(decodeModelInferRequest(encoded).inputs).toMatchObject([{ name: 'y' }]);
  });
});

const response = { model: 'm', version: '2', id: 'i', parameters: new Map<string, ParameterValue>([['p', 7]]) };

describe('a ModelInferResponse', () => {
  it('is read as this server writes it, with its contents as views', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ name: text, tensor }), { maxLength: 4 }), parameters, (outputs, own) => {
        const encoded = encodeModelInferResponse({ ...response, parameters: own, outputs });
        const decoded = decodeModelInferResponse(encoded);
        expect(decoded).toMatchObject({ model: 'm', version: '2', id: 'i', parameters: own });
        expect(decoded.outputs).toMatchObject(
          outputs.map(({ name, tensor: { datatype, shape } }) => ({
            name,
            datatype,
            shape,
            contents: { kind: 'raw' },
          })),
        );
        for (const [index, { contents }] of decoded.outputs.entries()) {
          if (contents.kind !== 'raw') throw new Error(contents.kind);
          const sent = outputs[index];
          expect(Buffer.compare(contents.bytes, encodeRaw(sent?.tensor ?? fp32.of([0], [])))).toBe(0);
          expect(contents.bytes.buffer).toBe(encoded.buffer);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('is read as other servers write it: with typed contents', () => {
    const encoded = service.ModelInfer.responseSerialize({
      model_name: 'm',
      parameters: encodeParameters(response.parameters),
      outputs: [
        { name: 'y', datatype: 'FP32', shape: ['2'], contents: { fp32_contents: [1, 2] } },
        { name: 'empty', datatype: 'FP32', shape: ['0'] },
      ],
    });
    expect(decodeModelInferResponse(encoded)).toEqual({
      model: 'm',
      version: '',
      id: '',
      parameters: response.parameters,
      outputs: [
        {
          name: 'y',
          datatype: 'FP32',
          shape: [2],
          contents: { kind: 'typed', fields: [{ field: 'fp32_contents', values: Float32Array.of(1, 2) }] },
        },
        { name: 'empty', datatype: 'FP32', shape: [0], contents: { kind: 'none' } },
      ],
    });
  });

  it('is read from any mutation, or refused, without a hang', () => {
    const original = encodeModelInferResponse({
      ...response,
      outputs: [
        { name: 'y', tensor: fp32.of([2], [1, 2]) },
        { name: 'z', tensor: bytes.of([1], ['text']) },
      ],
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat(), (flips, cut) => {
        const mutated = Buffer.from(original).subarray(
          0,
          original.length - (cut % 4 === 0 ? cut % original.length : 0),
        );
        for (const [at, byte] of flips) mutated[at % original.length] = byte;
        for (const decode of [decodeModelInferResponse, decodeModelStreamInferResponse]) {
          try {
            decode(mutated);
          } catch (error) {
            // A parameter without a value is no RangeError.
            expect(error).toBeInstanceOf(Error);
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a ModelStreamInferResponse', () => {
  const outputs = [{ name: 'y', tensor: fp32.of([1], [1]) }];

  it('is read as this server writes it', () => {
    for (const error of ['', 'went wrong']) {
      const decoded = decodeModelStreamInferResponse(
        encodeModelStreamInferResponse({ error, response: { ...response, outputs } }),
      );
      expect(decoded).toMatchObject({ error, response: { model: 'm', id: 'i', outputs: [{ name: 'y' }] } });
    }
  });

  it('may have no response', () => {
    expect(decodeModelStreamInferResponse(Buffer.from([0x0a, 1, 0x65]))).toEqual({ error: 'e', response: undefined });
  });

  it('is read as MLServer writes it: a ModelInferResponse', () => {
    const bare = encodeModelInferResponse({ ...response, outputs });
    expect(decodeModelStreamInferResponse(bare)).toEqual({ error: '', response: decodeModelInferResponse(bare) });
  });
});

it('has the paths of the contracts', () => {
  expect(Object.entries(clientMethods()).map(([name, { path }]) => [name, path])).toEqual(
    Object.keys(clientMethods()).map((name) => [name, `/inference.GRPCInferenceService/${name}`]),
  );
});

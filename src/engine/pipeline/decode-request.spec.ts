import { describe, expect, it } from 'vitest';
import { bool, bytes, fp32, int64, optional, signature, type Signature } from '#core';
import { encodedRequestOf, handleOf } from '../../../test/support/engine.js';
import type { EncodedContents, EncodedTensor } from '../../core/tensor/encoded-tensor.js';
import { decodeRequest } from './decode-request.js';

const model = handleOf({
  signature: signature({ inputs: { x: fp32(-1), seed: optional(int64(1)) }, outputs: { y: fp32(-1) } }),
});

const input = (contents: EncodedContents, shape = [2], datatype = 'FP32', name = 'x'): EncodedTensor => {
  return { name, datatype, shape, contents };
};

const floats = (...values: number[]) => Buffer.from(Float32Array.from(values).buffer);

const refusal = (message: string) => expect.objectContaining({ code: 'invalid-argument', message });

describe('an input', () => {
  it.each<[string, EncodedContents]>([
    ['raw bytes', { kind: 'raw', bytes: floats(1, 2) }],
    ['a typed field', { kind: 'typed', fields: [{ field: 'fp32_contents', values: [1, 2] }] }],
    ['JSON', { kind: 'json', value: [1, 2] }],
  ])('is read from %s', (_, contents) => {
    const { inputs } = decodeRequest(model, encodedRequestOf({ inputs: [input(contents)] }));
    expect(inputs['x']).toEqual(fp32.of([2], [1, 2]));
  });

  it('of raw bytes is a view on them, not a copy', () => {
    const bytes = floats(1, 2);
    const { inputs } = decodeRequest(model, encodedRequestOf({ inputs: [input({ kind: 'raw', bytes })] }));
    bytes.writeFloatLE(7, 4);
    expect(inputs['x']?.data).toEqual(Float32Array.of(1, 7));
  });

  it('without elements needs no contents', () => {
    const { inputs } = decodeRequest(model, encodedRequestOf({ inputs: [input({ kind: 'none' }, [0])] }));
    expect(inputs['x']).toEqual(fp32.of([0], []));
  });

  it('with elements does', () => {
    expect(() => decodeRequest(model, encodedRequestOf({ inputs: [input({ kind: 'none' })] }))).toThrow(
      refusal("unable to find data for input tensor 'x' for model 'm' in request."),
    );
  });

  it('that is optional is there or is not', () => {
    const x = input({ kind: 'raw', bytes: floats(1, 2) });
    const seed = input({ kind: 'typed', fields: [{ field: 'int64_contents', values: ['7'] }] }, [1], 'INT64', 'seed');
    expect(Object.keys(decodeRequest(model, encodedRequestOf({ inputs: [x] })).inputs)).toEqual(['x']);
    const { inputs } = decodeRequest(model, encodedRequestOf({ inputs: [seed, x] }));
    expect(inputs['seed']).toEqual(int64.of([1], [7n]));
  });

  it('may be called like a property of every object', () => {
    const odd = handleOf({ signature: signature({ inputs: [['__proto__', fp32(1)]], outputs: {} }) });
    const { inputs } = decodeRequest(
      odd,
      encodedRequestOf({ inputs: [input({ kind: 'json', value: [1] }, [1], 'FP32', '__proto__')] }),
    );
    expect(Object.entries(inputs)).toEqual([['__proto__', fp32.of([1], [1])]]);
  });

  it('is checked before its contents are looked at', () => {
    const wrong = input({ kind: 'raw', bytes: Buffer.alloc(0) }, [2], 'INT32');
    expect(() => decodeRequest(model, encodedRequestOf({ inputs: [wrong] }))).toThrow(
      refusal("inference input 'x' data-type is 'INT32', but model 'm' expects 'FP32'"),
    );
  });
});

describe('the rest of a request', () => {
  const x = input({ kind: 'json', value: [1, 2] });
  const parameters = new Map([['p', 1]]);

  it('passes unchanged, with the signature that it was checked against', () => {
    const outputs = [{ name: 'y', parameters }];
    const request = encodedRequestOf({ version: '1', id: 'i-1', parameters, outputs, inputs: [x] });
    const { inputs, ...rest } = decodeRequest(model, request);
    expect(Object.keys(inputs)).toEqual(['x']);
    expect(rest).toEqual({ model: 'm', version: '1', id: 'i-1', parameters, outputs, checkedAgainst: model.inputs });
    expect(rest.checkedAgainst).toBe(model.inputs);
  });

  it.each([
    ['inputs', { inputs: [x, x] }, "input 'x' already exists in request"],
    ['outputs', { inputs: [x], outputs: [{ name: 'z', parameters }] }, "unexpected inference output 'z' for model 'm'"],
  ])('has its %s checked', (_, parts, message) => {
    expect(() => decodeRequest(model, encodedRequestOf(parts))).toThrow(refusal(message));
  });
});

describe('a raw request', () => {
  const decode = (inputs: Signature['inputs'], rawInput: Uint8Array) => {
    const raw = handleOf({ signature: { inputs, outputs: [] } });
    return Object.values(decodeRequest(raw, encodedRequestOf({ rawInput })).inputs)[0];
  };
  const inputsOf = (...specs: Parameters<typeof signature>[0]['inputs'][]) =>
    specs.flatMap((inputs) => signature({ inputs, outputs: {} }).inputs);

  it.each([
    ['a free dimension follows from the size', fp32(-1), [1, 2, 3], [3]],
    ['a free dimension beside others', fp32(-1, 3), [1, 2, 3, 4, 5, 6], [2, 3]],
    ['a fixed shape stays', fp32(2, 1), [1, 2], [2, 1]],
    ['no bytes are no elements', fp32(-1), [], [0]],
  ])('%s', (_, spec, values, shape) => {
    expect(decode(inputsOf({ x: spec }), floats(...values))).toEqual(fp32.of(shape, values));
  });

  it('of a one-byte datatype takes any number of them', () => {
    expect(decode(inputsOf({ x: bool(-1) }), Buffer.of(1, 0, 1))).toEqual(bool.of([3], [1, 0, 1]));
  });

  it.each([
    [bytes(1), [1]],
    [bytes(-1), [1]],
    [bytes(-1, 1), [1, 1]],
  ])('of bytes is one element', (spec, shape) => {
    const whole = Buffer.from([3, 0, 0, 0, 65]);
    const tensor = decode(inputsOf({ x: spec }), whole);
    expect(tensor?.shape).toEqual(shape);
    expect(tensor?.data).toEqual([whole]);
  });

  it.each([
    [
      'a model with two inputs',
      inputsOf({ x: fp32(1), y: fp32(1) }),
      "Raw request must only have 1 input (found 1) to be deduced but got 2 inputs in 'm' model configuration",
    ],
    [
      'a model without inputs',
      inputsOf(),
      "Raw request must only have 1 input (found 1) to be deduced but got 0 inputs in 'm' model configuration",
    ],
    [
      'two free dimensions',
      inputsOf({ x: fp32(-1, -1) }),
      "The shape of the raw input 'x' can not be deduced because there are more than one variable-sized dimension",
    ],
    [
      'bytes in several elements',
      inputsOf({ x: bytes(2) }),
      "For BYTE datatype raw input 'x', the model must have input shape [1]",
    ],
    [
      'a size that is no multiple',
      inputsOf({ x: fp32(-1, 2) }),
      "input byte size mismatch for input 'x' for model 'm'. Expected 8, got 12",
    ],
    [
      'a size that the shape does not have',
      inputsOf({ x: fp32(2) }),
      "input byte size mismatch for input 'x' for model 'm'. Expected 8, got 12",
    ],
  ])('is refused for %s', (_, inputs, message) => {
    expect(() => decode(inputs, floats(1, 2, 3))).toThrow(refusal(message));
  });

  it('is refused where one dimension is 0 and another is free', () => {
    expect(() => decode(inputsOf({ x: fp32(-1, 0) }), floats(1))).toThrow(
      expect.objectContaining({ code: 'invalid-argument' }),
    );
  });
});

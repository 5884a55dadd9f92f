import { describe, expect, it } from 'vitest';
import { decodeInferRequest } from './decode.js';
import type { InferInputTensor, ModelInferRequest } from './messages.js';

const input = (parts: Partial<InferInputTensor> = {}): InferInputTensor => {
  return { name: 'x', datatype: 'FP32', shape: ['2'], ...parts };
};

const decode = (message: ModelInferRequest) => decodeInferRequest({ model_name: 'm', ...message });

const refusal = (message: string) => expect.objectContaining({ code: 'invalid-argument', message });

describe('the head', () => {
  it('has what the message has', () => {
    const request = decode({
      model_version: '2',
      id: 'i-1',
      parameters: { p: { int64_param: '7' } },
      outputs: [{ name: 'y', parameters: { q: { bool_param: true } } }, { name: 'z' }],
    });
    expect(request).toEqual({
      model: 'm',
      version: '2',
      id: 'i-1',
      parameters: new Map([['p', 7]]),
      inputs: [],
      outputs: [
        { name: 'y', parameters: new Map([['q', true]]) },
        { name: 'z', parameters: new Map() },
      ],
    });
  });

  it('is empty where the message is', () => {
    const empty = { model: '', version: '', id: '', parameters: new Map(), inputs: [], outputs: [] };
    expect(decodeInferRequest({})).toEqual(empty);
    expect(decodeInferRequest({ outputs: [{}] }).outputs).toEqual([{ name: '', parameters: new Map() }]);
    expect(decodeInferRequest({ inputs: [{}] }).inputs).toEqual([
      { name: '', datatype: '', shape: [], contents: { kind: 'none' } },
    ]);
  });

  it.each(['triton_final_response', 'triton_', 'triton_x'])('may not have the parameter %s', (name) => {
    expect(() => decode({ parameters: { [name]: { bool_param: true } } })).toThrow(/reserved for Triton usage/);
  });

  it('may have the one parameter of that kind that is for callers', () => {
    const parameters = { triton_enable_empty_final_response: { bool_param: true } };
    expect(decode({ parameters }).parameters.size).toBe(1);
  });

  it.each<[string, ModelInferRequest, string]>([
    ['the request', { parameters: { p: {} } }, "parameter 'p' of the request has no value: set one of its choices"],
    [
      'an output',
      { outputs: [{ name: 'y', parameters: { p: {} } }] },
      "parameter 'p' of output 'y' has no value: set one of its choices",
    ],
  ])('may not have a parameter of %s without a value', (_, message, text) => {
    expect(() => decode(message)).toThrow(refusal(text));
  });
});

describe('an input', () => {
  it('keeps its raw contents as they are', () => {
    const bytes = Buffer.alloc(8);
    const [tensor] = decode({ inputs: [input()], raw_input_contents: [bytes] }).inputs;
    expect(tensor).toEqual({ name: 'x', datatype: 'FP32', shape: [2], contents: { kind: 'raw', bytes } });
    expect(tensor?.contents.kind === 'raw' && tensor.contents.bytes).toBe(bytes);
  });

  it('has the fields that hold anything', () => {
    const contents = { fp32_contents: [1, 2], int_contents: [], bytes_contents: [Buffer.from('a')] };
    expect(decode({ inputs: [input({ contents })] }).inputs[0]?.contents).toEqual({
      kind: 'typed',
      fields: [
        { field: 'fp32_contents', values: [1, 2] },
        { field: 'bytes_contents', values: [Buffer.from('a')] },
      ],
    });
  });

  it.each<[string, Partial<InferInputTensor>]>([
    ['none', {}],
    ['empty contents', { contents: {} }],
    ['empty fields', { contents: { fp32_contents: [], bytes_contents: [] } }],
  ])('with %s has no contents', (_, parts) => {
    expect(decode({ inputs: [input(parts)] }).inputs[0]?.contents).toEqual({ kind: 'none' });
  });

  it('may come without contents behind others with raw ones', () => {
    const { inputs } = decode({ inputs: [input(), input({ name: 'y' })], raw_input_contents: [Buffer.alloc(8)] });
    expect(inputs.map(({ contents }) => contents.kind)).toEqual(['raw', 'none']);
  });

  it('with an empty typed field may have raw contents', () => {
    const contents = { fp32_contents: [] };
    const { inputs } = decode({ inputs: [input({ contents })], raw_input_contents: [Buffer.alloc(8)] });
    expect(inputs[0]?.contents.kind).toBe('raw');
  });

  it('may not have contents of both kinds', () => {
    const contents = { fp32_contents: [1, 2] };
    expect(() => decode({ inputs: [input({ contents })], raw_input_contents: [Buffer.alloc(8)] })).toThrow(
      refusal("contents field must not be specified when using raw_input_contents for 'x' for model 'm'"),
    );
    const second = [input(), input({ name: 'y', contents })];
    expect(() => decode({ inputs: second, raw_input_contents: [Buffer.alloc(8)] })).toThrow("for 'y' for model 'm'");
  });

  it('may not be fewer than the raw contents', () => {
    expect(() => decode({ inputs: [input()], raw_input_contents: [Buffer.alloc(8), Buffer.alloc(0)] })).toThrow(
      refusal(
        "raw_input_contents has 2 entries for 1 inputs of model 'm': give one for each input, in the order of the inputs",
      ),
    );
  });

  it.each([
    [[], []],
    [['0'], [0]],
    [
      ['2', '-1'],
      [2, -1],
    ],
    [
      [3, 4n],
      [3, 4],
    ],
    [['9007199254740993'], [9007199254740992]],
  ])('of shape %o has the dimensions %o, unchecked', (shape, dimensions) => {
    expect(decode({ inputs: [input({ shape })] }).inputs[0]?.shape).toEqual(dimensions);
  });
});

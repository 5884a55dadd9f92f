import { describe, expect, expectTypeOf, it } from 'vitest';
import { bytes, fp32, int64, optional, type TensorSpec } from '../tensor/kinds.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Inputs, type Outputs, signature, type Specs } from './signature.js';

const tensor = fp32(1);
const names = (specs: readonly { readonly name: string }[]): string[] => specs.map(({ name }) => name);

describe('signature', () => {
  it('lists inputs and outputs with their names, datatypes and shapes', () => {
    expect(
      signature({
        inputs: { text: bytes(1), seed: optional(int64(1)) },
        outputs: { answer: fp32(-1, 0, 3) },
      }),
    ).toEqual({
      inputs: [
        { name: 'text', datatype: 'BYTES', shape: [1], optional: false },
        { name: 'seed', datatype: 'INT64', shape: [1], optional: true },
      ],
      outputs: [{ name: 'answer', datatype: 'FP32', shape: [-1, 0, 3], optional: false }],
    });
  });

  it('keeps the order in which the tensors are written', () => {
    const { inputs, outputs } = signature({
      inputs: { zebra: tensor, apple: tensor, Mango: tensor },
      outputs: { b: tensor, a: tensor },
    });
    expect(names(inputs)).toEqual(['zebra', 'apple', 'Mango']);
    expect(names(outputs)).toEqual(['b', 'a']);
  });

  it('keeps the order of integer-like names in the form of entries', () => {
    const { inputs, outputs } = signature({
      inputs: [
        ['10', tensor],
        ['x', tensor],
        ['2', tensor],
      ],
      outputs: [
        ['1', tensor],
        ['0', tensor],
      ],
    });
    expect(names(inputs)).toEqual(['10', 'x', '2']);
    expect(names(outputs)).toEqual(['1', '0']);
  });

  it('takes names that mean something on other objects', () => {
    const special = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'] as const;
    const entries = signature({ inputs: special.map((name) => [name, tensor] as const), outputs: { y: tensor } });
    expect(names(entries.inputs)).toEqual(special);
    const record = signature({ inputs: { ['__proto__']: tensor, constructor: tensor }, outputs: { y: tensor } });
    expect(names(record.inputs)).toEqual(['__proto__', 'constructor']);
  });

  it('may have no inputs, and the same name on both sides', () => {
    expect(signature({ inputs: {}, outputs: { x: tensor } }).inputs).toEqual([]);
    expect(names(signature({ inputs: { x: tensor }, outputs: { x: tensor } }).outputs)).toEqual(['x']);
  });

  it.each([
    ['inputs', "input 'x' stands twice in the signature"],
    ['outputs', "output 'x' stands twice in the signature"],
  ] as const)('refuses a name that stands twice in its %s', (role, message) => {
    const twice = [
      ['x', tensor],
      ['y', tensor],
      ['x', int64(2)],
    ] as const;
    const once = { z: tensor };
    const specs: { inputs: Specs; outputs: Specs } = { inputs: once, outputs: once, [role]: twice };
    expect(() => signature(specs)).toThrow(new TypeError(message));
  });

  it('refuses an empty name', () => {
    expect(() => signature({ inputs: { '': tensor }, outputs: {} })).toThrow(
      new TypeError('an input of the signature has an empty name'),
    );
    expect(() => signature({ inputs: {}, outputs: [['', tensor]] })).toThrow(
      new TypeError('an output of the signature has an empty name'),
    );
  });

  it.each([-2, 1.5, Number.NaN, Infinity, 2 ** 53])('refuses a dimension of %d', (dimension) => {
    expect(() => signature({ inputs: { x: fp32(1, dimension) }, outputs: {} })).toThrow(
      new TypeError(`input 'x': ${dimension} is no dimension; use -1 for any size`),
    );
  });
});

describe('the types of a signature', () => {
  const specs = { inputs: { x: fp32(-1), seed: optional(int64(1)) }, outputs: { text: bytes(1) } };
  const byRecord = signature(specs);
  const byEntries = signature({ inputs: [['0', fp32(-1)]], outputs: [['1', bytes(1)]] });

  it('name the tensors that a model receives', () => {
    expectTypeOf<Inputs<typeof byRecord>['x']>().toEqualTypeOf<Tensor<'FP32'>>();
    expectTypeOf<Inputs<typeof byRecord>['seed']>().toEqualTypeOf<Tensor<'INT64'> | undefined>();
    expectTypeOf<keyof Inputs<typeof byRecord>>().toEqualTypeOf<'x' | 'seed'>();
    expectTypeOf<Inputs<typeof byEntries>['0']>().toEqualTypeOf<Tensor<'FP32'>>();
    expectTypeOf<keyof Inputs<typeof byEntries>>().toEqualTypeOf<'0'>();
  });

  it('name the tensors that it returns', () => {
    expectTypeOf<Outputs<typeof byRecord>['text']>().toEqualTypeOf<Tensor<'BYTES'>>();
    expectTypeOf<keyof Outputs<typeof byEntries>>().toEqualTypeOf<'1'>();
  });

  it('tell optional from required', () => {
    expectTypeOf(fp32(1)).toEqualTypeOf<TensorSpec<'FP32', false>>();
    expectTypeOf(optional(fp32(1))).toEqualTypeOf<TensorSpec<'FP32', true>>();
  });
});

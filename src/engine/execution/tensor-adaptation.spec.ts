import { describe, expect, it } from 'vitest';
import { fp32 } from '#core';
import { type Reshape, type TensorAdaptation, toModel, toWire } from './tensor-adaptation.js';

const adaptationOf = (parts: Partial<TensorAdaptation>): TensorAdaptation => ({
  inputs: [],
  outputs: [],
  kept: new Set(['y']),
  ...parts,
});

const x = (wire: readonly number[], model: readonly number[]): Reshape => ({ name: 'x', wire, model });

describe('inputs', () => {
  it.each([
    [
      [-1, 4],
      [-1, 1, 2, 2],
      [3, 4],
      [3, 1, 2, 2],
    ],
    [[-1, 1], [-1], [3, 1], [3]],
    [
      [2, 4, -1, 6],
      [8, -1, 1, 6],
      [2, 4, 5, 6],
      [8, 5, 1, 6],
    ],
    [[1], [], [1], []],
    [
      [-1, 4],
      [-1, 2, 2],
      [0, 4],
      [0, 2, 2],
    ],
  ])('of %j are %j for the model: %j is %j', (wire, model, given, expected) => {
    const count = given.reduce((product, size) => product * size, 1);
    const tensor = fp32.of(
      given,
      Array.from({ length: count }, (_, index) => index),
    );
    const taken = toModel(adaptationOf({ inputs: [x(wire, model)] }), { x: tensor, other: tensor });
    expect(taken['x']?.shape).toEqual(expected);
    // The same memory, not a copy.
    expect(taken['x']?.data).toBe(tensor.data);
    expect(taken['other']).toBe(tensor);
  });

  it('that were left out stay out', () => {
    expect(Object.keys(toModel(adaptationOf({ inputs: [x([1], [])] }), {}))).toEqual([]);
  });
});

describe('outputs', () => {
  const outputs = [{ name: 'y', wire: [-1, 4], model: [-1, 2, 2] }];

  it('have their shape on the wire, and no others are given on', () => {
    const y = fp32.of([1, 2, 2], [1, 2, 3, 4]);
    const given = toWire(adaptationOf({ outputs }), { y, extra: y }) as Record<string, typeof y>;
    expect(Object.keys(given)).toEqual(['y']);
    expect(given['y']?.shape).toEqual([1, 4]);
    expect(given['y']?.data).toBe(y.data);
  });

  it('of another shape than the configuration says are left for the check of the signature', () => {
    const y = fp32.of([1, 4], [1, 2, 3, 4]);
    expect(toWire(adaptationOf({ outputs }), { y })).toEqual({ y });
  });

  it.each([undefined, null, 7])('that are %j are left as they are', (result) => {
    expect(toWire(adaptationOf({ outputs }), result)).toBe(result);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytes, fp32, int32, type NamedTensors } from '#core';
import { requestOf } from '../../../test/support/engine.js';
import type { ParameterValue } from '../../core/inference/parameters.js';
import type { InferenceRequest } from '../../core/inference/request.js';
import { requestKey } from './request-key.js';

const keyOf = (parts: Partial<InferenceRequest> = {}): string => requestKey(requestOf(parts));
const parametersOf = (...entries: readonly (readonly [string, ParameterValue])[]) => ({ parameters: new Map(entries) });
const outputOf = (name: string, ...entries: readonly (readonly [string, ParameterValue])[]) => ({
  name,
  ...parametersOf(...entries),
});

const a = fp32.of([2], [1, 2]);
const b = fp32.of([1], [3]);

describe('two requests have the same key', () => {
  it.each<[string, Partial<InferenceRequest>, Partial<InferenceRequest>]>([
    ['with other ids', { id: 'one' }, { id: 'two' }],
    ['with equal tensors', { inputs: { x: fp32.of([2], [1, 2]) } }, { inputs: { x: fp32.of([2], [1, 2]) } }],
    ['with their inputs in another order', { inputs: { a, b } }, { inputs: { b, a } }],
    ['with an input left out in two ways', { inputs: { a } }, { inputs: { a, b: undefined } as never }],
    ['with their parameters in another order', parametersOf(['p', 1], ['q', 2]), parametersOf(['q', 2], ['p', 1])],
    ['with another priority and time-out', parametersOf(['priority', 1]), parametersOf(['timeout', 9])],
    [
      'with their outputs in another order',
      { outputs: [outputOf('y'), outputOf('z')] },
      { outputs: [outputOf('z'), outputOf('y')] },
    ],
  ])('%s', (_, one, other) => {
    expect(keyOf(one)).toBe(keyOf(other));
  });
});

describe('two requests have different keys', () => {
  it.each<[string, Partial<InferenceRequest>, Partial<InferenceRequest>]>([
    ['with another value', { inputs: { x: a } }, { inputs: { x: fp32.of([2], [1, 3]) } }],
    ['with another shape', { inputs: { x: a } }, { inputs: { x: fp32.of([1, 2], [1, 2]) } }],
    [
      'with another datatype of the same bytes',
      { inputs: { x: fp32.of([1], [0]) } },
      { inputs: { x: int32.of([1], [0]) } },
    ],
    ['with another name', { inputs: { x: a } }, { inputs: { y: a } }],
    ['with an input more', { inputs: { a } }, { inputs: { a, b } }],
    [
      "with their values under each other's name",
      { inputs: { a: b, b: fp32.of([1], [4]) } },
      { inputs: { a: fp32.of([1], [4]), b } },
    ],
    [
      'with a byte on the other side',
      { inputs: { a: bytes.of([1], ['xy']), b: bytes.of([1], ['z']) } },
      { inputs: { a: bytes.of([1], ['x']), b: bytes.of([1], ['yz']) } },
    ],
    [
      'with elements split elsewhere',
      { inputs: { x: bytes.of([2], ['ab', 'c']) } },
      { inputs: { x: bytes.of([2], ['a', 'bc']) } },
    ],
    ['with -0 for 0', { inputs: { x: fp32.of([1], [0]) } }, { inputs: { x: fp32.of([1], [-0]) } }],
    ['with a parameter', {}, parametersOf(['p', 1])],
    ['with another parameter', parametersOf(['p', 1]), parametersOf(['p', 2])],
    ['with a parameter of another type', parametersOf(['p', 1]), parametersOf(['p', '1'])],
    ['with a parameter of -0 for 0', parametersOf(['p', 0]), parametersOf(['p', -0])],
    ['with a bigint for a number', parametersOf(['p', 1]), parametersOf(['p', 1n])],
    ['with a requested output', {}, { outputs: [outputOf('y')] }],
    [
      'with other parameters of an output',
      { outputs: [outputOf('y')] },
      { outputs: [outputOf('y', ['classification', 2])] },
    ],
    [
      'with the parameter at another output',
      { outputs: [outputOf('y', ['p', 1]), outputOf('z')] },
      { outputs: [outputOf('y'), outputOf('z', ['p', 1])] },
    ],
  ])('%s', (_, one, other) => {
    expect(keyOf(one)).not.toBe(keyOf(other));
  });
});

const tensors = fc
  .array(fc.constantFrom('', 'a', 'b', 'ab', '\0'), { maxLength: 3 })
  .map((values) => bytes.of([values.length], values));
const inputs: fc.Arbitrary<NamedTensors> = fc.dictionary(fc.constantFrom('x', 'y', '"', '],['), tensors, {
  maxKeys: 3,
});
const parameters = fc.dictionary(
  fc.constantFrom('p', 'q', 'priority'),
  fc.constantFrom<ParameterValue>('1', 1, 1n, true, 'true'),
  { maxKeys: 2 },
);
const requests = fc
  .record({ inputs, parameters })
  .map(({ inputs, parameters }) => requestOf({ inputs, parameters: new Map(Object.entries(parameters)) }));

/** All that counts, written out. */
const toldOf = (request: InferenceRequest) => ({
  inputs: Object.fromEntries(Object.entries(request.inputs).map(([name, { shape, data }]) => [name, { shape, data }])),
  parameters: Object.fromEntries([...request.parameters].filter(([name]) => name !== 'priority')),
});

it('is the same exactly for the same requests', () => {
  fc.assert(
    fc.property(requests, requests, (one, other) => {
      let alike = true;
      try {
        expect(toldOf(one)).toStrictEqual(toldOf(other));
      } catch {
        alike = false;
      }
      expect(requestKey(one) === requestKey(other)).toBe(alike);
    }),
    { numRuns: 300 },
  );
});

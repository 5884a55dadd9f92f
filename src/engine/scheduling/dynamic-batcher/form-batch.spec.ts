import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fp32 } from '#core';
import { requestOf } from '../../../../test/support/engine.js';
import { type Batchable, formBatch, kindOf } from './form-batch.js';

const waiting = (...requests: readonly [rows: number, kind: string][]): Batchable[] =>
  requests.map(([rows, kind]) => ({ rows, kind }));
const policyOf = (maxSize: number, ...preferred: readonly number[]) => ({
  maxSize,
  preferredSizes: new Set(preferred),
});

describe('a batch', () => {
  it.each([
    ['takes what fits', waiting([1, 'a'], [2, 'a'], [2, 'a']), policyOf(4), 2, true],
    ['ends where the kind changes', waiting([1, 'a'], [1, 'b'], [1, 'a']), policyOf(4), 1, true],
    ['is complete when it is full', waiting([3, 'a'], [1, 'a'], [1, 'a']), policyOf(4), 2, true],
    ['waits while there is room', waiting([1, 'a'], [1, 'a']), policyOf(4), 2, false],
    ['prefers a preferred size', waiting([1, 'a'], [1, 'a'], [1, 'a']), policyOf(8, 2), 2, true],
    [
      'prefers the largest of them',
      waiting(...Array.from({ length: 7 }, (): [number, string] => [1, 'a'])),
      policyOf(8, 2, 6),
      6,
      true,
    ],
    ['of nothing is nothing', [], policyOf(4), 0, false],
  ])('%s', (_, requests, policy, count, isComplete) => {
    expect(formBatch(requests, policy, false)).toEqual({ requests: requests.slice(0, count), isComplete });
  });

  it('takes all that fits once its first request has waited enough', () => {
    const requests = waiting([1, 'a'], [1, 'a'], [1, 'a']);
    expect(formBatch(requests, policyOf(8, 2), true)).toEqual({ requests, isComplete: true });
  });

  it('is the front of the queue, of one kind, within the largest size', () => {
    const request = fc.record({ rows: fc.integer({ min: 1, max: 4 }), kind: fc.constantFrom('a', 'b') });
    fc.assert(
      fc.property(
        fc.array(request),
        fc.array(fc.integer({ min: 1, max: 6 })),
        fc.boolean(),
        (requests, sizes, late) => {
          const batch = formBatch(requests, policyOf(6, ...sizes), late);
          expect(batch.requests).toEqual(requests.slice(0, batch.requests.length));
          expect(new Set(batch.requests.map(({ kind }) => kind)).size).toBeLessThanOrEqual(1);
          expect(batch.requests.reduce((sum, { rows }) => sum + rows, 0)).toBeLessThanOrEqual(6);
          expect(batch.requests.length > 0).toBe(requests.length > 0);
        },
      ),
    );
  });
});

describe('the kind of a request', () => {
  const kind = (shape: readonly number[], parameters: Record<string, string | number | boolean> = {}) =>
    kindOf(
      requestOf({
        inputs: { x: fp32.of(shape, new Float32Array(shape.reduce((a, b) => a * b, 1))) },
        parameters: new Map(Object.entries(parameters)),
      }),
    );

  it('is the same for any number of rows', () => {
    expect(kind([1, 4])).toBe(kind([3, 4]));
  });

  it('does not depend on how long the request may wait, nor on the order of its parameters', () => {
    expect(kind([1], { priority: 1, timeout: 5, a: 1, b: 2 })).toBe(kind([1], { b: 2, a: 1 }));
  });

  it('does not depend on its place in a sequence', () => {
    const parameters = { sequence_id: 7, sequence_start: true, sequence_end: false };
    expect(kind([1], parameters)).toBe(kind([1], { sequence_id: 'a', sequence_start: false, sequence_end: true }));
  });

  it.each([
    ['the shape', kind([1, 4]), kind([1, 5])],
    ['the rank', kind([1, 4]), kind([1, 4, 1])],
    ['a parameter', kind([1], { a: 1 }), kind([1], { a: 2 })],
    ['the type of a parameter', kind([1], { a: 1 }), kind([1], { a: '1' })],
    ['having parameters', kind([1], { a: 1 }), kind([1])],
  ])('depends on %s', (_, one, other) => {
    expect(one).not.toBe(other);
  });

  it('depends on which inputs there are', () => {
    const x = fp32.of([1], [1]);
    expect(kindOf(requestOf({ inputs: { x } }))).not.toBe(kindOf(requestOf({ inputs: { x, z: x } })));
  });
});

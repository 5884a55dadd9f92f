import { describe, expect, it } from 'vitest';
import type { ParameterValue } from '../../../core/inference/parameters.js';
import { laneKey } from './lane.js';
import { sequenceParameters } from './sequence-parameters.js';

const read = (parameters: Readonly<Record<string, ParameterValue>>) =>
  sequenceParameters('m', new Map(Object.entries(parameters)));

describe('what a request says of its sequence', () => {
  it.each([1, 2n ** 64n - 1n, 'a', '0'])('is an id: %s', (id) => {
    expect(read({ sequence_id: id })).toEqual({ id, start: false, end: false });
  });

  it('is whether it is the first, and whether it is the last', () => {
    expect(read({ sequence_id: 7, sequence_start: true, sequence_end: true })).toEqual({
      id: 7,
      start: true,
      end: true,
    });
  });

  it.each([{}, { sequence_id: 0 }, { sequence_id: 0n }, { sequence_id: '' }])('lacks its id: %o', (parameters) => {
    expect(() => read({ ...parameters, sequence_start: true })).toThrow(
      "inference request to model 'm' must specify a non-zero or non-empty correlation ID",
    );
  });

  it.each([true, -1, -1n, 1.5])('has no id of the right type: %s', (id) => {
    expect(() => read({ sequence_id: id })).toThrow(
      "invalid value type for 'sequence_id' parameter, expected int64_param or string_param.",
    );
  });

  it.each([1, 0, 'true', ''])('has no flag of the right type: %j', (flag) => {
    for (const key of ['sequence_start', 'sequence_end']) {
      expect(() => read({ sequence_id: 1, [key]: flag })).toThrow(
        `invalid value type for '${key}' parameter, expected bool_param.`,
      );
    }
  });
});

describe('the sequences of two requests', () => {
  const alice = { name: 'alice', roles: [] };
  const key = laneKey(alice, 1);

  it('are one, whatever type the number has', () => {
    expect(laneKey({ name: 'alice', roles: ['admin'] }, 1n)).toBe(key);
  });

  it.each([
    ['a number and a text', laneKey(alice, '1')],
    ['other callers', laneKey({ name: 'bob', roles: [] }, 1)],
    ['a caller without a name', laneKey(undefined, 1)],
    ['a caller who looks like the text', laneKey({ name: 'alice",1]', roles: [] }, 1)],
  ])('are two: %s', (_, other) => {
    expect(other).not.toBe(key);
  });
});

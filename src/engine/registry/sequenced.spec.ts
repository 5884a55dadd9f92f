import { describe, expect, it } from 'vitest';
import { workerThreads } from '#core';
import { vector } from '../../../test/support/engine.js';
import type { ModelMetadata } from '../../core/model/model.decorator.js';
import { assertSequenced, sequenceOf } from './sequenced.js';

const metadata: ModelMetadata = { name: 'm', version: '1', signature: vector };
const check = (options: Partial<ModelMetadata>, instance: object = { infer: () => ({}) }) =>
  assertSequenced({ className: 'SumModel', instance, metadata: { ...metadata, ...options } });

describe('a class whose requests belong to sequences', () => {
  it.each([{}, { idleMs: 0.5 }, { idleMs: Infinity, maxSequences: 1 }])('may ask for %o', (sequence) => {
    expect(() => check({ sequence })).not.toThrow();
  });

  it.each<[problem: string, options: Partial<ModelMetadata>]>([
    [
      'but runs in worker threads, and the state lives in the thread that serves: drop one of them',
      { execution: workerThreads({ module: import.meta.url }) },
    ],
    [
      'but also with batching, and the requests of a sequence run by themselves: drop one of them',
      { batching: { maxSize: 4 } },
    ],
    ['but also with cache, and its responses depend on what came before: drop one of them', { cache: true }],
    ['whose idleMs 0 is no time', { sequence: { idleMs: 0 } }],
    ['whose idleMs NaN is no time', { sequence: { idleMs: Number.NaN } }],
    ['whose maxSequences 0 is no integer above 0', { sequence: { maxSequences: 0 } }],
    ['whose maxSequences 1.5 is no integer above 0', { sequence: { maxSequences: 1.5 } }],
  ])('ends the start, %s', (problem, options) => {
    expect(() => check({ sequence: {}, ...options })).toThrow(
      `SumModel is behind @Model('m') with sequence, ${problem}`,
    );
    expect(() => check({ ...options, sequence: undefined as never })).not.toThrow();
  });

  it('ends the start when it streams', () => {
    const instance = { stream: () => [] };
    expect(() => check({ sequence: {} }, instance)).toThrow('but streams: drop the sequence, or write infer');
    expect(() => check({}, instance)).not.toThrow();
  });

  it('has them run on any instance', () => {
    expect(sequenceOf({ ...metadata, sequence: { idleMs: 5 } })).toEqual({ idleMs: 5, strategy: 'oldest' });
    expect(sequenceOf(metadata)).toBeUndefined();
  });
});

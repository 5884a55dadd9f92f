import { describe, expect, it } from 'vitest';
import { fp32 } from '#core';
import { readModelConfig } from './read-model-config.js';
import { instancesOf, schedulingOptions } from './scheduling-options.js';

const optionsOf = (text: string, states = new Map<string, never>()) =>
  schedulingOptions(readModelConfig(text, 'config.pbtxt'), states);

it('asks for nothing where the configuration says nothing', () => {
  expect(optionsOf('')).toEqual({ maxBatchSize: 0, cache: false });
});

it('merges requests as dynamic_batching says, in milliseconds', () => {
  expect(
    optionsOf(`
      max_batch_size: 8
      dynamic_batching {
        preferred_batch_size: [ 4, 8 ]
        max_queue_delay_microseconds: 1500
        preserve_ordering: true
      }`),
  ).toMatchObject({
    maxBatchSize: 8,
    batching: { maxSize: 8, preferredSizes: [4, 8], maxDelayMs: 1.5, preserveOrdering: true },
    queue: {},
  });
});

it('keeps a queue with its policies; one that does not say how many may wait lets all of them', () => {
  expect(
    optionsOf(`
      max_batch_size: 8
      dynamic_batching {
        priority_levels: 3
        default_priority_level: 2
        default_queue_policy {
          timeout_action: DELAY default_timeout_microseconds: 2000 allow_timeout_override: true max_queue_size: 5
        }
        priority_queue_policy { key: 1 value { default_timeout_microseconds: 500 } }
      }`).queue,
  ).toEqual({
    priorityLevels: 3,
    defaultPriority: 2,
    maxSize: 5,
    timeoutMs: 2,
    onTimeout: 'delay',
    allowTimeoutOverride: true,
    policies: { 1: { maxSize: 0, timeoutMs: 0.5, onTimeout: 'reject', allowTimeoutOverride: false } },
  });
});

it('keeps a queue, and merges nothing, without a batch dimension', () => {
  const options = optionsOf('dynamic_batching { default_queue_policy { max_queue_size: 2 } }');
  expect(options).not.toHaveProperty('batching');
  expect(options.queue).toMatchObject({ maxSize: 2 });
});

describe('sequences', () => {
  it('have the defaults of the field, and one instance', () => {
    expect(optionsOf('sequence_batching { }')).toMatchObject({
      instances: 1,
      sequence: { strategy: 'direct', idleMs: 1_000, maxDelayMs: 0, controls: [], states: [] },
    });
  });

  it('wait for a share of the slots, and are made for requests without an id, where it is written', () => {
    expect(
      optionsOf(`
        sequence_batching {
          iterative_sequence: true
          direct { minimum_slot_utilization: 0.5 max_queue_delay_microseconds: 2000 }
        }`).sequence,
    ).toMatchObject({ strategy: 'direct', iterative: true, minSlotUse: 0.5, maxDelayMs: 2 });
  });

  it('have controls of every kind, and states', () => {
    const initial = fp32.of([2], [1, 2]);
    const config = readModelConfig(
      `
      sequence_batching {
        max_sequence_idle_microseconds: 5000000
        oldest { max_candidate_sequences: 7 preferred_batch_size: [ 2 ] max_queue_delay_microseconds: 100 preserve_ordering: true }
        control_input { name: "s" control { kind: CONTROL_SEQUENCE_START int32_false_true: [ 2, 3 ] } }
        control_input { name: "e" control { kind: CONTROL_SEQUENCE_END bool_false_true: [ false, true ] } }
        control_input { name: "r" control { kind: CONTROL_SEQUENCE_READY fp32_false_true: [ 0, 1 ] } }
        control_input { name: "c" control { kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_STRING } }
        state { input_name: "i" output_name: "o" data_type: TYPE_FP32 dims: [ 2 ] }
        state { input_name: "j" output_name: "p" data_type: TYPE_INT64 dims: [ ] }
      }`,
      'config.pbtxt',
    );
    expect(schedulingOptions(config, new Map([['i', initial]])).sequence).toEqual({
      strategy: 'oldest',
      idleMs: 5_000,
      maxSequences: 7,
      preferredSizes: [2],
      maxDelayMs: 0.1,
      preserveOrdering: true,
      controls: [
        { input: 's', kind: 'start', datatype: 'INT32', values: [2, 3] },
        { input: 'e', kind: 'end', datatype: 'BOOL', values: [0, 1] },
        { input: 'r', kind: 'ready', datatype: 'FP32', values: [0, 1] },
        { input: 'c', kind: 'correlation-id', datatype: 'BYTES' },
      ],
      states: [
        { input: 'i', output: 'o', datatype: 'FP32', shape: [2], initial },
        { input: 'j', output: 'p', datatype: 'INT64', shape: [] },
      ],
    });
  });
});

it.each([
  ['', undefined],
  ['instance_group [ { kind: KIND_CPU } ]', undefined],
  ['instance_group [ { count: 2 }, { count: 3 }, { count: 4 passive: true } ]', 5],
])('counts the instances of all groups that serve: %s', (text, expected) => {
  expect(instancesOf(readModelConfig(text, 'config.pbtxt'))).toBe(expected);
  expect(optionsOf(text).instances).toBe(expected);
});

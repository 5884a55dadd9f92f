import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ServingError } from '../../../core/errors/serving-error.js';
import { configFromJson, readConfigOverride } from './config-from-json.js';
import { readModelConfig } from './read-model-config.js';

describe('a configuration in JSON', () => {
  it.each([
    ['integers as texts', { max_batch_size: '16' }, { max_batch_size: 16 }],
    ['integers as floats', { max_batch_size: 16.0 }, { max_batch_size: 16 }],
    [
      'integers beyond 2^53',
      { version_policy: { specific: { versions: [2n ** 60n, '3'] } } },
      versions([2n ** 60n, 3]),
    ],
    ['camel case', { maxBatchSize: 4, input: [{ dataType: 'TYPE_INT8', allowRaggedBatch: true }] }, ragged()],
    ['snake case', { max_batch_size: 4, input: [{ data_type: 'TYPE_INT8', allow_ragged_batch: true }] }, ragged()],
    ['enums in any case', { input: [{ data_type: 'type_fp32', format: 'Format_Nchw' }] }, image()],
    ['enums as numbers', { input: [{ data_type: 11, format: 2 }] }, image()],
    ['maps', { parameters: { a: { string_value: 'b' } } }, { parameters: { a: { string_value: 'b' } } }],
    ['maps by integers', { dynamic_batching: { priorityQueuePolicy: { '1': { maxQueueSize: 2 } } } }, priorities()],
    ['nulls as what is absent', { name: null, dynamic_batching: null, input: null }, { name: '', input: [] }],
    ['members of a oneof that are false', { model_warmup: [{ inputs: { x: { zero_data: false } } }] }, notZero()],
  ])('takes %s', (_, value, expected) => {
    expect(configFromJson(value)).toMatchObject(expected);
  });

  it('is the same as in text', () => {
    const text =
      'name: "m" max_batch_size: 2 input { name: "x" data_type: TYPE_STRING dims: [ -1 ] } dynamic_batching {}';
    const value = {
      name: 'm',
      max_batch_size: 2,
      input: [{ name: 'x', data_type: 'TYPE_STRING', dims: ['-1'] }],
      dynamic_batching: {},
    };
    expect(configFromJson(value)).toStrictEqual(readModelConfig(text, ''));
  });

  it('is read from what was answered', () => {
    const config = readModelConfig('name: "m" instance_group { count: 2 } output { name: "y" dims: 3 reshape {} }', '');
    expect(configFromJson(JSON.parse(JSON.stringify(config)))).toStrictEqual(config);
  });

  it.each<[string, unknown, string]>([
    ['an unknown key', { inputs: [] }, "unknown field 'inputs': use one of name, platform,"],
    ['an unknown key deep within', { input: [{}, { datatype: 'FP32' }] }, "input[1]: unknown field 'datatype'"],
    ['an unknown key in a map', { parameters: { 'a b': { value: '' } } }, "parameters['a b']: unknown field 'value'"],
    ['a key of prototypes', JSON.parse('{"__proto__":{"name":"m"}}'), "unknown field '__proto__'"],
    ['a key that objects have', { constructor: 1 }, "unknown field 'constructor'"],
    ['half an integer', { max_batch_size: 1.5 }, 'ModelConfig.max_batch_size: not an integer: 1.5'],
    ['no integer', { max_batch_size: 'many' }, 'ModelConfig.max_batch_size: invalid integer: "many"'],
    ['too large an integer', { max_batch_size: 2 ** 31 }, 'ModelConfig.max_batch_size: out of range for int32'],
    ['too large a dimension', { input: [{ dims: ['9007199254740992'] }] }, 'input[0].dims[0]: 9007199254740992 is too'],
    ['a big integer for a text', { name: 2n ** 60n }, 'ModelConfig.name: expected string'],
    [
      'an unknown enum',
      { input: [{ data_type: 'FP32' }] },
      'ModelInput.data_type: unknown enum value: "FP32": use one of',
    ],
    ['an enum out of range', { input: [{ data_type: 15 }] }, 'input[0].data_type: 15 is no DataType: use one of'],
    ['a name of functions as enum', { input: [{ data_type: 'toString' }] }, 'unknown enum value: "toString"'],
    ['a message for a list', { input: {} }, 'ModelConfig.input: expected array'],
    ['a list for a map', { parameters: [] }, 'ModelConfig.parameters: expected object'],
    ['a text for a message', { dynamic_batching: 'on' }, 'ModelDynamicBatching: expected object'],
    ['both names of a field', { max_batch_size: 1, maxBatchSize: 1 }, 'duplicate field'],
    ['two schedulers', { dynamic_batching: {}, sequence_batching: {} }, 'multiple values for oneof scheduling_choice'],
    ['no object', [], 'ModelConfig: expected object'],
    ['nothing', null, 'ModelConfig: expected object'],
  ])('is refused: %s', (_, value, expected) => {
    expect(() => configFromJson(value)).toThrow(expected);
  });
});

describe('the load parameter', () => {
  it('is a configuration, its integers exact', () => {
    const config = readConfigOverride('{"version_policy":{"specific":{"versions":[1734567890123456789]}}}', 'm');
    expect(config).toMatchObject(versions([1734567890123456789n]));
  });

  it.each([
    ['no JSON', '{max_batch_size: 8}'],
    ['nothing', ''],
    ['an unknown field', '{"inputs":[]}'],
    ['a wrong value', '{"max_batch_size":"x"}'],
  ])('is refused as clients expect it: %s', (_, text) => {
    const error = refusal(() => readConfigOverride(text, 'm'));
    expect(error.message).toMatch(/^failed to load 'm', Invalid config override: ./);
    expect(error.code).toBe('invalid-argument');
  });

  it('is read or refused, whatever JSON it is', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        try {
          expect(readConfigOverride(text, 'm').input).toEqual([]);
        } catch (failure) {
          expect(failure).toBeInstanceOf(ServingError);
        }
      }),
    );
  });
});

function refusal(call: () => unknown): ServingError {
  try {
    call();
  } catch (failure) {
    if (failure instanceof ServingError) return failure;
  }
  throw new Error('was not refused');
}

const versions = (versions: readonly (number | bigint)[]) => ({ version_policy: { specific: { versions } } });
const ragged = () => ({ max_batch_size: 4, input: [{ data_type: 'TYPE_INT8', allow_ragged_batch: true }] });
const image = () => ({ input: [{ data_type: 'TYPE_FP32', format: 'FORMAT_NCHW' }] });
const priorities = () => ({ dynamic_batching: { priority_queue_policy: { '1': { max_queue_size: 2 } } } });
const notZero = () => ({ model_warmup: [{ inputs: { x: { zero_data: false } } }] });

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ModelSettings, readModelSettings } from './read-model-settings.js';

const PATH = 'deep/m/model-settings.json';
const readText = (text: string): ModelSettings => readModelSettings(text, PATH, 'deep/m');
const read = (settings: object): ModelSettings => readText(JSON.stringify({ implementation: 'i', ...settings }));

describe('the settings of a model', () => {
  it('that say little have defaults', () => {
    const expected: ModelSettings = {
      name: 'm',
      implementation: 'mlserver_sklearn.SKLearnModel',
      platform: '',
      versions: [],
      inputs: [],
      outputs: [],
      maxBatchSize: 0,
      maxBatchTime: 0,
      cacheEnabled: false,
      parallelWorkers: undefined,
      warmWorkers: undefined,
      parameters: {
        uri: '',
        version: '',
        format: '',
        contentType: '',
        environmentPath: '',
        environmentTarball: '',
        inferencePoolGid: '',
        autogenerateInferencePoolGid: false,
        extra: {},
      },
    };
    expect(readText('{ "implementation": "mlserver_sklearn.SKLearnModel" }')).toStrictEqual(expected);
    expect(readText('\uFEFF{ "implementation": "mlserver_sklearn.SKLearnModel" }')).toStrictEqual(expected);
  });

  it('that say much are read', () => {
    const text = `{
      "name": "income classifier",
      "implementation": "models.Income",
      "platform": "sklearn",
      "versions": ["v1.2.3", "beta"],
      "inputs": [
        { "name": "rows", "datatype": "FP32", "shape": [-1, 4], "parameters": { "content_type": "pd", "k": 1 } },
        { "name": "text", "datatype": "BYTES", "shape": [] }
      ],
      "outputs": [{ "name": "class", "datatype": "INT64", "shape": [-1] }],
      "parallel_workers": 4,
      "warm_workers": true,
      "max_batch_size": 32,
      "max_batch_time": 0.25,
      "cache_enabled": true,
      "parameters": {
        "uri": "./model.onnx",
        "version": "v1.2.3",
        "environment_path": "env",
        "environment_tarball": "env.tar.gz",
        "inference_pool_gid": "pool",
        "autogenerate_inference_pool_gid": true,
        "format": "onnx",
        "content_type": "np",
        "extra": { "threshold": 0.5, "nested": { "a": [1] } }
      }
    }`;
    expect(readText(text)).toStrictEqual({
      name: 'income classifier',
      implementation: 'models.Income',
      platform: 'sklearn',
      versions: ['v1.2.3', 'beta'],
      inputs: [
        { name: 'rows', datatype: 'FP32', shape: [-1, 4], parameters: { content_type: 'pd', k: 1 } },
        { name: 'text', datatype: 'BYTES', shape: [], parameters: {} },
      ],
      outputs: [{ name: 'class', datatype: 'INT64', shape: [-1], parameters: {} }],
      parallelWorkers: 4,
      warmWorkers: true,
      maxBatchSize: 32,
      maxBatchTime: 0.25,
      cacheEnabled: true,
      parameters: {
        uri: './model.onnx',
        version: 'v1.2.3',
        environmentPath: 'env',
        environmentTarball: 'env.tar.gz',
        inferencePoolGid: 'pool',
        autogenerateInferencePoolGid: true,
        format: 'onnx',
        contentType: 'np',
        extra: { threshold: 0.5, nested: { a: [1] } },
      },
    });
  });

  it.each([
    ['unknown keys', { runtime: 'x', parameters: { whatever: [1] } }, { name: 'm' }],
    ['nulls', { name: null, inputs: null, parallel_workers: null, parameters: null }, { name: 'm', inputs: [] }],
    ['an empty name', { name: '' }, { name: 'm' }],
    ['numbers in quotes', { max_batch_size: '16', max_batch_time: '0.5' }, { maxBatchSize: 16, maxBatchTime: 0.5 }],
    ['flags in quotes', { cache_enabled: 'True', warm_workers: 0 }, { cacheEnabled: true, warmWorkers: false }],
    ['no workers', { parallel_workers: 0 }, { parallelWorkers: 0 }],
  ])('take %s', (_, settings, expected) => {
    expect(read(settings)).toMatchObject(expected);
  });

  it('keep names of prototypes as data', () => {
    const text = '{ "implementation": "i", "parameters": { "extra": { "__proto__": { "polluted": 1 } } } }';
    const { extra } = readText(text).parameters;
    expect(Object.keys(extra)).toEqual(['__proto__']);
    expect(extra['polluted']).toBeUndefined();
    expect(() => readText('{ "__proto__": { "implementation": "i" } }')).toThrow(
      'implementation: undefined is required',
    );
  });

  it('take the name of the folder that they lie in', () => {
    expect(readModelSettings('{ "implementation": "i" }', PATH, '/models/a/b/income').name).toBe('income');
  });
});

describe('an error names path, key, value and fix:', () => {
  it.each([
    ['no JSON', '{ "name": ', `${PATH}: `],
    ['no object', '[]', `${PATH}: [] is no object: use { }`],
    ['no implementation', '{}', `${PATH}: implementation: undefined is required`],
  ])('%s', (_, text, expected) => {
    expect(() => readText(text)).toThrow(expected);
  });

  it.each<[string, object, string]>([
    ['an implementation that is none', { implementation: 3 }, 'implementation: 3 is no text: put it in quotes'],
    ['a name that is none', { name: ['m'] }, 'name: ["m"] is no text'],
    [
      'a version that is a number',
      { parameters: { version: 1 } },
      'parameters.version: 1 is no text: put it in quotes',
    ],
    ['versions that are none', { versions: '1' }, 'versions: "1" is no list: use [ ]'],
    ['a version of another kind', { versions: ['1', 2] }, 'versions[1]: 2 is no text'],
    ['half a batch', { max_batch_size: 1.5 }, 'max_batch_size: 1.5 is no integer: use one >= 0'],
    ['a negative batch', { max_batch_size: -1 }, 'max_batch_size: -1 is no number: use one >= 0'],
    ['a time that is none', { max_batch_time: 'soon' }, 'max_batch_time: "soon" is no number'],
    ['a time that is blank', { max_batch_time: ' ' }, 'max_batch_time: " " is no number'],
    ['a flag that is none', { cache_enabled: 'maybe' }, 'cache_enabled: "maybe" is no flag: use true or false'],
    ['a list as flag', { cache_enabled: [true] }, 'cache_enabled: [true] is no flag'],
    ['parameters that are none', { parameters: 'x' }, 'parameters: "x" is no object: use { }'],
    ['an extra that is none', { parameters: { extra: [] } }, 'parameters.extra: [] is no object'],
    ['an input that is none', { inputs: ['x'] }, 'inputs[0]: "x" is no object'],
    ['an input without a name', { inputs: [{ datatype: 'FP32', shape: [] }] }, 'inputs[0].name: undefined is required'],
    ['an input without a datatype', { inputs: [{ name: 'x' }] }, 'inputs[0].datatype: undefined is required'],
    [
      'a datatype that is none',
      { outputs: [{ name: 'y', datatype: 'float' }] },
      '"float" is no datatype: use one of BOOL',
    ],
    ['half a dimension', tensor([2, 0.5]), 'inputs[0].shape[1]: 0.5 is no dimension: use integers >= 0, or -1'],
    ['a dimension of -2', tensor([-2]), 'inputs[0].shape[0]: -2 is no dimension'],
    ['a dimension in quotes', tensor(['2']), 'inputs[0].shape[0]: "2" is no dimension'],
  ])('%s', (_, settings, expected) => {
    expect(() => read(settings)).toThrow(
      `${PATH}: ${expected.startsWith('"') ? 'outputs[0].datatype: ' : ''}${expected}`,
    );
  });

  it('a value that is long, by its start', () => {
    expect(() => read({ platform: ['x'.repeat(1_000)] })).toThrow(/platform: \["x{98}… is no text/);
  });
});

it('reads any JSON, or refuses it by the path', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const outcome = attempt(text);
      if (outcome instanceof Error) expect(outcome.message.startsWith(`${PATH}: `)).toBe(true);
      else expect(outcome.name).not.toBe('');
    }),
  );
});

function attempt(text: string): ModelSettings | Error {
  try {
    return readText(text);
  } catch (failure) {
    return failure as Error;
  }
}

function tensor(shape: readonly unknown[]): object {
  return { inputs: [{ name: 'x', datatype: 'FP32', shape }] };
}

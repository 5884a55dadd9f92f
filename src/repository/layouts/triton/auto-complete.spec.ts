import { describe, expect, it } from 'vitest';
import { signature, type Specs } from '../../../core/model/signature.js';
import { bytes, fp32, int32, uint64 } from '../../../core/tensor/kinds.js';
import { autoComplete, type CompletionOptions } from './auto-complete.js';
import { protocolSignature } from './protocol-signature.js';
import { readModelConfig } from './read-model-config.js';

const OPTIONS: CompletionOptions = {
  name: 'm',
  platform: 'onnxruntime_onnx',
  backend: 'onnxruntime',
  defaultModelFilename: 'model.onnx',
  defaultMaxBatchSize: 0,
};

const model = (inputs: Specs, outputs: Specs) => signature({ inputs, outputs });
const simple = model({ INPUT0: int32(-1, 16), INPUT1: int32(-1, 16) }, { SUM: int32(-1, 16), DIFF: int32(-1, 16) });

const complete = (text: string | undefined, tensors = simple, options: Partial<CompletionOptions> = {}) =>
  autoComplete(text === undefined ? undefined : readModelConfig(text, ''), tensors, { ...OPTIONS, ...options });

describe('a model without a configuration', () => {
  it('has every version served, no batch limit and no batcher', () => {
    expect(complete(undefined)).toMatchObject({
      name: 'm',
      platform: 'onnxruntime_onnx',
      backend: 'onnxruntime',
      default_model_filename: 'model.onnx',
      version_policy: { all: {} },
      max_batch_size: 0,
      input: [
        { name: 'INPUT0', data_type: 'TYPE_INT32', dims: [-1, 16] },
        { name: 'INPUT1', data_type: 'TYPE_INT32', dims: [-1, 16] },
      ],
      output: [{ name: 'SUM' }, { name: 'DIFF' }],
      instance_group: [{ name: 'm', kind: 'KIND_CPU', count: 1 }],
    });
    expect(complete(undefined)).not.toHaveProperty('dynamic_batching');
  });

  it('means the signature of its file', () => {
    expect(protocolSignature(complete(undefined))).toMatchObject(simple);
  });

  it('batches by default where all of its tensors can', () => {
    const config = complete(undefined, simple, { defaultMaxBatchSize: 4 });
    expect(config).toMatchObject({ max_batch_size: 4, dynamic_batching: { preferred_batch_size: [] } });
    expect(config.input.map(({ dims }) => dims)).toEqual([[16], [16]]);
    expect(protocolSignature(config)).toMatchObject(simple);
  });

  it('has no batcher for batches of one', () => {
    expect(complete(undefined, simple, { defaultMaxBatchSize: 2 })).toHaveProperty('dynamic_batching');
    expect(complete(undefined, simple, { defaultMaxBatchSize: 1 })).not.toHaveProperty('dynamic_batching');
  });

  it.each([
    ['a first dimension is fixed', model({ x: fp32(-1, 2) }, { y: fp32(1, 2) })],
    ['a tensor is a scalar', model({ x: fp32(-1), k: fp32() }, { y: fp32(-1) })],
    ['nothing comes in', model({}, { y: fp32(-1) })],
  ])('does not batch where %s', (_, tensors) => {
    expect(complete(undefined, tensors, { defaultMaxBatchSize: 4 }).max_batch_size).toBe(0);
  });
});

describe('a configuration', () => {
  it('keeps what it says and gains what it does not', () => {
    const config = complete(
      `max_batch_size: 8 input [ { name: "INPUT1" data_type: TYPE_INT32 }, { name: "INPUT0" dims: 16 optional: true } ]
       default_model_filename: "other.onnx" instance_group [ { count: 2 }, { kind: KIND_GPU } ]`,
      simple,
      { defaultInstances: 3 },
    );
    expect(config).toMatchObject({
      name: 'm',
      version_policy: { latest: { num_versions: 1 } },
      max_batch_size: 8,
      default_model_filename: 'other.onnx',
      input: [
        { name: 'INPUT1', data_type: 'TYPE_INT32', dims: [16] },
        { name: 'INPUT0', data_type: 'TYPE_INT32', dims: [16], optional: true },
      ],
      output: [{ name: 'SUM' }, { name: 'DIFF' }],
      instance_group: [
        { name: 'm_0', kind: 'KIND_CPU', count: 2 },
        { name: 'm_1', kind: 'KIND_GPU', count: 3 },
      ],
    });
    expect(config).not.toHaveProperty('dynamic_batching');
  });

  it('keeps a name of its own, so that it can be refused', () => {
    expect(complete('name: "other"').name).toBe('other');
  });

  it('may leave outputs out', () => {
    expect(complete('output { name: "DIFF" }').output).toMatchObject([{ name: 'DIFF', dims: [-1, 16] }]);
  });

  it('is completed to itself', () => {
    const config = complete('max_batch_size: 8');
    expect(autoComplete(config, simple, OPTIONS)).toStrictEqual(config);
  });

  it('batches by default where it says no shape', () => {
    const options = { defaultMaxBatchSize: 4 };
    expect(complete('name: "m"', simple, options)).toMatchObject({ max_batch_size: 4, dynamic_batching: {} });
    expect(complete('output { name: "SUM" dims: [ -1, 16 ] }', simple, options).max_batch_size).toBe(0);
    expect(complete('sequence_batching { }', simple, options)).not.toHaveProperty('dynamic_batching');
  });

  it('gives one value for each item of a batch as a list of one', () => {
    const tensors = model({ x: fp32(-1) }, { y: fp32(-1, 2) });
    const config = complete('max_batch_size: 8', tensors);
    expect(config.input).toMatchObject([{ dims: [1], reshape: { shape: [] } }]);
    expect(complete('max_batch_size: 8 input { name: "x" }', tensors)).toStrictEqual(config);
    expect(protocolSignature(config)).toMatchObject({
      inputs: [{ shape: [-1, 1] }],
      reshapes: { inputs: [{ name: 'x', wire: [-1, 1], model: [-1] }], outputs: [] },
    });
  });

  it('has scalars where it does not batch', () => {
    const config = complete('input { name: "x" }', model({ x: fp32() }, {}));
    expect(config.input).toMatchObject([{ name: 'x', dims: [] }]);
    expect(config.input[0]).not.toHaveProperty('reshape');
  });

  it('may reshape', () => {
    const tensors = model({ data_0: fp32(1, 3, 224, 224) }, { fc6_1: fp32(1, 1000, 1, 1) });
    const text = `input { name: "data_0" data_type: TYPE_FP32 dims: [ 3, 224, 224 ] reshape { shape: [ 1, 3, 224, 224 ] } }
      output { name: "fc6_1" dims: 1000 reshape { shape: [ 1, 1000, 1, 1 ] } }`;
    expect(protocolSignature(complete(text, tensors)).inputs).toMatchObject([{ shape: [3, 224, 224] }]);
  });

  it('narrows dimensions that the model leaves open', () => {
    expect(complete('input { name: "x" dims: [ 4 ] }', model({ x: bytes(-1) }, {})).input[0]?.dims).toEqual([4]);
  });

  it('takes to itself what the sequence batcher fills', () => {
    const tensors = model(
      { INPUT: int32(-1, 1), START: int32(-1, 1), CORRID: uint64(-1, 1), S_IN: int32(-1, 1), INDEX: fp32(-1) },
      { OUTPUT: int32(-1, 1), S_OUT: int32(-1, 1) },
    );
    const text = `max_batch_size: 8 input { name: "INPUT" } sequence_batching {
      control_input [ { name: "START" }, { name: "CORRID" } ] state { input_name: "S_IN" output_name: "S_OUT" } }
      batch_input { target_name: "INDEX" source_input: "INPUT" }`;
    const config = complete(text, tensors);
    expect([config.input, config.output]).toMatchObject([[{ name: 'INPUT' }], [{ name: 'OUTPUT' }]]);
    const without = complete(text.replace('input { name: "INPUT" }', ''), tensors);
    expect(without.input).toMatchObject([{ name: 'INPUT' }]);
  });
});

describe('a configuration is refused where', () => {
  it.each([
    [
      'it has an input that the model has not',
      'input [ { name: "INPUT0" }, { name: "X" } ]',
      "unable to load model 'm', unexpected inference input 'X', allowed inputs are: 'INPUT0', 'INPUT1'",
    ],
    [
      'it has an output that the model has not',
      'output { name: "X" }',
      "unable to load model 'm', unexpected inference output 'X', allowed outputs are: 'SUM', 'DIFF'",
    ],
    [
      'it leaves an input out',
      'input { name: "INPUT0" }',
      "unable to load model 'm', configuration expects 1 inputs, model provides 2: add 'INPUT1', or leave 'input' out",
    ],
    [
      'a type differs',
      'output { name: "SUM" data_type: TYPE_FP32 }',
      "unable to load model 'm', unexpected datatype TYPE_FP32 for inference output 'SUM', expecting TYPE_INT32",
    ],
    [
      'a dimension differs',
      'max_batch_size: 8 output { name: "SUM" dims: 8 }',
      "model 'm', tensor 'SUM': the model expects 2 dimensions (shape [-1,16]) but the model configuration specifies 2 " +
        'dimensions (an initial batch dimension because max_batch_size > 0 followed by the explicit tensor shape, ' +
        'making complete shape [-1,8])',
    ],
    [
      'a dimension is open that the model fixes',
      'output { name: "SUM" dims: [ -1, -1 ] }',
      'but the model configuration specifies 2 dimensions (shape [-1,-1])',
    ],
    [
      'a rank differs',
      'output { name: "SUM" dims: [ 16 ] }',
      'the model expects 2 dimensions (shape [-1,16]) but the model configuration specifies 1 dimensions (shape [16])',
    ],
    [
      'a reshape leads elsewhere',
      'output { name: "SUM" dims: 16 reshape { shape: [ 2, 8 ] } }',
      'the model configuration specifies 2 dimensions (shape [2,8])',
    ],
    [
      'a control is no input of the model',
      'sequence_batching { control_input { name: "START" } }',
      "configuration specified sequence control 'START', but model does not provide that tensor: it provides 'INPUT0'",
    ],
    [
      'a state is no output of the model',
      'sequence_batching { state { input_name: "INPUT0" output_name: "S" } }',
      "configuration specified state output 'S', but model does not provide that tensor",
    ],
  ])('%s', (_, text, expected) => {
    expect(() => complete(text)).toThrow(expected);
  });

  it('it batches and the model cannot', () => {
    const fixed = model({ x: fp32(1, 2) }, { y: fp32(-1, 2) });
    expect(() => complete('max_batch_size: 8', fixed)).toThrow(
      "model 'm', tensor 'x': for the model to support batching the shape should have at least 1 dimension and the " +
        'first dimension must be -1; but shape expected by the model is [1,2]',
    );
    expect(() => complete('max_batch_size: 8', model({ x: fp32() }, {}))).toThrow('is []');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytes, fp32, int64, optional } from '../../../core/tensor/kinds.js';
import { DATATYPES, type Datatype } from '../../../core/tensor/datatype.js';
import { type NamedSpec, signature } from '../../../core/model/signature.js';
import { modelConfigOf, protocolSignature, toDataType } from './protocol-signature.js';
import { modelConfigType } from './model-config-schema.js';
import { readModelConfig } from './read-model-config.js';

const signatureOf = (text: string) => protocolSignature(readModelConfig(text, ''));

describe('the signature of a configuration', () => {
  const TENSORS = `
    input [ { name: "x" data_type: TYPE_FP32 dims: [ -1, 16 ] }, { name: "seed" data_type: TYPE_INT64 dims: 1 optional: true } ]
    output { name: "y" data_type: TYPE_STRING dims: [ 3 ] }`;

  it('has a batch dimension in front where the model batches', () => {
    expect(signatureOf(`max_batch_size: 8 ${TENSORS}`)).toEqual({
      inputs: [
        { name: 'x', datatype: 'FP32', shape: [-1, -1, 16], optional: false },
        { name: 'seed', datatype: 'INT64', shape: [-1, 1], optional: true },
      ],
      outputs: [{ name: 'y', datatype: 'BYTES', shape: [-1, 3], optional: false }],
      reshapes: { inputs: [], outputs: [] },
    });
  });

  it('has the dims alone where it does not', () => {
    const { inputs, outputs } = signatureOf(TENSORS);
    expect([...inputs, ...outputs].map(({ shape }) => shape)).toEqual([[-1, 16], [1], [3]]);
  });

  it('keeps the shapes that the model works with', () => {
    const densenet = `input { name: "x" data_type: TYPE_FP32 dims: [ 3, 224 ] reshape { shape: [ 1, 3, 224 ] } }
      output { name: "y" data_type: TYPE_FP32 dims: 1 reshape { } }`;
    expect(signatureOf(densenet).reshapes).toEqual({
      inputs: [{ name: 'x', wire: [3, 224], model: [1, 3, 224] }],
      outputs: [{ name: 'y', wire: [1], model: [] }],
    });
    expect(signatureOf(`max_batch_size: 2 ${densenet}`).reshapes).toEqual({
      inputs: [{ name: 'x', wire: [-1, 3, 224], model: [-1, 1, 3, 224] }],
      outputs: [{ name: 'y', wire: [-1, 1], model: [-1] }],
    });
    expect(signatureOf(densenet).inputs[0]?.shape).toEqual([3, 224]);
  });

  it('knows every type', () => {
    const types = Object.keys(modelConfigType().root.lookupEnum('inference.DataType').values).slice(1);
    expect((Object.keys(DATATYPES) as Datatype[]).map(toDataType).sort()).toEqual(types.toSorted());
    for (const type of types) {
      const [input] = signatureOf(`input { name: "x" data_type: ${type} dims: 1 }`).inputs;
      expect(input && toDataType(input.datatype)).toBe(type);
    }
  });

  it('needs types', () => {
    expect(() => signatureOf('name: "m" output { name: "y" dims: 1 }')).toThrow(
      "model 'm', tensor 'y': must specify 'data_type'",
    );
  });
});

describe('the configuration of a signature', () => {
  const model = signature({ inputs: { x: fp32(-1, 2), seed: optional(int64(-1)) }, outputs: { y: bytes(-1) } });

  it('has the dims behind the batch where the model batches', () => {
    const options = { name: 'm', platform: 'code', backend: 'b', maxBatchSize: 4, decoupled: true, instances: 3 };
    const dynamicBatching = { max_queue_delay_microseconds: 5_000 };
    const config = modelConfigOf(model, { ...options, dynamicBatching });
    expect(config).toMatchObject({
      name: 'm',
      platform: 'code',
      backend: 'b',
      max_batch_size: 4,
      version_policy: { all: {} },
      input: [
        { name: 'x', data_type: 'TYPE_FP32', dims: [2], optional: false, format: 'FORMAT_NONE' },
        { name: 'seed', data_type: 'TYPE_INT64', dims: [], optional: true },
      ],
      output: [{ name: 'y', data_type: 'TYPE_STRING', dims: [] }],
      instance_group: [{ name: 'm', kind: 'KIND_CPU', count: 3 }],
      dynamic_batching: { max_queue_delay_microseconds: 5_000, preferred_batch_size: [] },
      model_transaction_policy: { decoupled: true },
    });
  });

  it('has whole shapes, and nothing that was not asked for, where it does not', () => {
    const config = modelConfigOf(model, { name: 'm' });
    expect(config.input.map(({ dims }) => dims)).toEqual([[-1, 2], [-1]]);
    expect(config).not.toHaveProperty('dynamic_batching');
    expect(config).not.toHaveProperty('model_transaction_policy');
  });

  it('cannot batch along a dimension that is fixed or not there', () => {
    const fixed = signature({ inputs: { x: fp32(1, 2) }, outputs: {} });
    const message = "model tensor 'x': for the model to support batching the shape should have at least 1 dimension";
    expect(() => modelConfigOf(fixed, { name: 'm', maxBatchSize: 4 })).toThrow(message);
    const scalar = signature({ inputs: { x: fp32() }, outputs: {} });
    expect(() => modelConfigOf(scalar, { name: 'm', maxBatchSize: 4 })).toThrow(message);
  });

  it('means the same signature', () => {
    fc.assert(
      fc.property(specs(), specs(), fc.boolean(), (inputs, outputs, batches) => {
        const model = batches ? { inputs: inputs.map(batched), outputs: outputs.map(batched) } : { inputs, outputs };
        const config = modelConfigOf(model, { name: 'm', maxBatchSize: batches ? 8 : 0 });
        const outputsOf = model.outputs.map((spec) => ({ ...spec, optional: false }));
        expect(protocolSignature(config)).toMatchObject({ inputs: model.inputs, outputs: outputsOf });
      }),
    );
  });
});

const batched = (spec: NamedSpec): NamedSpec => ({ ...spec, shape: [-1, ...spec.shape] });

const specs = (): fc.Arbitrary<NamedSpec[]> =>
  fc.array(
    fc.record({
      name: fc.string(),
      datatype: fc.constantFrom(...(Object.keys(DATATYPES) as Datatype[])),
      shape: fc.array(fc.integer({ min: -1, max: 9 }), { maxLength: 3 }),
      optional: fc.boolean(),
    }),
    { maxLength: 3 },
  );

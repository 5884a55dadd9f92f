import { beforeEach, describe, expect, it } from 'vitest';
import { fp32, int32, type LoadedModel, type Signature, signature } from '#core';
import {
  configOf,
  type EnsembleParts,
  loadConfig,
  plusOne,
  someModels,
  type StepParts,
  unary,
} from '../../../test/support/ensembles.js';
import type { FakeModelClient } from '../../testing/fake-model-client.js';

let models: FakeModelClient;

const load = (parts: EnsembleParts): Promise<LoadedModel> => loadConfig(models, configOf(parts));

beforeEach(() => {
  models = someModels();
});

describe('an ensemble is refused', () => {
  const step = (inputs: StepParts[1], outputs: StepParts[2]): StepParts => ['one', inputs, outputs];

  it.each<[string, EnsembleParts, string]>([
    ['without steps', { steps: [] }, "must specify 'step' for ensemble 'e'"],
    [
      'whose steps wait for each other',
      {
        outputs: { y: [-1] },
        steps: [step({ a: 'x' }, { b: 'y' }), ['add', { l: 'x', r: 'q' }, { sum: 'p' }], step({ a: 'p' }, { b: 'q' })],
      },
      "the steps of ensemble 'e' wait for each other in a circle: step 1 ('add') reads 'q' of step 2 ('one'), step 2 ('one') reads 'p' of step 1 ('add')",
    ],
    [
      'with a step that waits for itself',
      { steps: [['add', { l: 'x', r: 'y' }, { sum: 'y' }]] },
      "wait for each other in a circle: step 0 ('add') reads 'y' of step 0 ('add')",
    ],
    [
      'whose circle does not hold the first step that waits',
      {
        outputs: { y: [-1] },
        steps: [step({ a: 'q' }, { b: 'y' }), ['add', { l: 'x', r: 'q' }, { sum: 'p' }], step({ a: 'p' }, { b: 'q' })],
      },
      "in a circle: step 2 ('one') reads 'p' of step 1 ('add'), step 1 ('add') reads 'q' of step 2 ('one')",
    ],
    [
      'with an input that nothing writes',
      { steps: [['add', { l: 'x', r: 'lost' }, { sum: 'y' }]] },
      "ensemble tensor 'lost', which input 'r' of step 0 ('add') reads in ensemble 'e', is not written",
    ],
    [
      'with an output that no step writes',
      { outputs: { y: [-1], z: [-1] }, steps: [step({ a: 'x' }, { b: 'y' })] },
      "output 'z' for ensemble 'e' is not written",
    ],
    [
      'with an output that is an input',
      { outputs: { y: [-1], x: [-1] }, steps: [step({ a: 'x' }, { b: 'y' })] },
      "output 'x' for ensemble 'e' is not written",
    ],
    [
      'with two steps that write one tensor',
      { steps: [step({ a: 'x' }, { b: 'y' }), step({ a: 'x' }, { b: 'y' })] },
      "ensemble tensor 'y' can appear in an output map only once for ensemble 'e' step 1: step 0 ('one') writes it too",
    ],
    [
      'with a step that writes an input',
      { steps: [step({ a: 'x' }, { b: 'y' }), step({ a: 'y' }, { b: 'x' })] },
      "ensemble tensor 'x' is an input of ensemble 'e': step 1 ('one') cannot write it",
    ],
    [
      'with an input that no step reads',
      { inputs: { x: [-1], more: [-1] }, steps: [step({ a: 'x' }, { b: 'y' })] },
      "ensemble input 'more' for ensemble 'e' is not used",
    ],
    [
      'with a tensor that nobody reads',
      { steps: [step({ a: 'x' }, { b: 'y' }), step({ a: 'x' }, { b: 'idle' })] },
      "ensemble tensor 'idle' is unused in ensemble 'e': remove it from the output map of step 1 ('one')",
    ],
    [
      'with an unknown input of a model',
      { steps: [step({ wrong: 'x' }, { b: 'y' })] },
      "in ensemble 'e', ensemble tensor 'x' is mapping to non-existing input 'wrong' in model 'one'",
    ],
    [
      'with an unknown output of a model',
      { steps: [step({ a: 'x' }, { wrong: 'y' })] },
      "in ensemble 'e', ensemble tensor 'y' is mapped from non-existing output 'wrong' in model 'one'",
    ],
    [
      'without an input that a model needs',
      { steps: [['add', { l: 'x' }, { sum: 'y' }]] },
      "in ensemble 'e', input 'r' in model 'add' is not mapped to any ensemble tensors",
    ],
    [
      'with an optional input that a model needs',
      { inputs: { x: { dims: [-1], optional: true } }, steps: [step({ a: 'x' }, { b: 'y' })] },
      "in ensemble 'e', ensemble input 'x' is optional, but input 'a' in model 'one', which reads it, is not",
    ],
    [
      'with an input of another datatype than its step',
      { inputs: { x: { dims: [-1], type: 'TYPE_INT32' } }, steps: [step({ a: 'x' }, { b: 'y' })] },
      "in ensemble 'e', ensemble tensor 'x': inconsistent data type: INT32 is inferred from model 'e' while FP32 is inferred from model 'one'",
    ],
    [
      'with an output of another datatype than its step',
      { outputs: { y: { dims: [-1], type: 'TYPE_FP64' } }, steps: [step({ a: 'x' }, { b: 'y' })] },
      "ensemble tensor 'y': inconsistent data type: FP32 is inferred from model 'one' while FP64 is inferred from model 'e'",
    ],
    [
      'whose batch dimension a model does not have',
      { maxBatchSize: 4, steps: [step({ a: 'x' }, { b: 'y' })] },
      "ensemble tensor 'x': inconsistent shape: [-1,-1] is inferred from model 'e' while [-1] is inferred from model 'one'",
    ],
    [
      'with a step of a model that is not loaded',
      { steps: [['nobody', { a: 'x' }, { b: 'y' }]] },
      "ensemble 'e' depends on 'nobody' which has no loaded version",
    ],
    [
      'with a step of a version that is not loaded',
      { steps: [['one', { a: 'x' }, { b: 'y' }, 7]] },
      "ensemble 'e' depends on 'one' whose required version 7 is not loaded",
    ],
    ['that calls itself', { steps: [['e', { a: 'x' }, { b: 'y' }]] }, 'circular dependency between ensembles: e -> e'],
    [
      'with a tensor of no datatype',
      { inputs: { x: { dims: [-1], type: 'TYPE_INVALID' } }, steps: [step({ a: 'x' }, { b: 'y' })] },
      "ensemble 'e', tensor 'x': must specify 'data_type'",
    ],
  ])('%s', async (_, parts, message) => {
    await expect(load(parts)).rejects.toThrow(message);
  });

  const twoSteps = (one: Signature, other: Signature): Promise<LoadedModel> => {
    models.add('writer', one).add('reader', other);
    return load({
      steps: [
        ['reader', { a: 'p' }, { b: 'y' }],
        ['writer', { a: 'x' }, { b: 'p' }],
      ],
    });
  };
  const writing = (b: (typeof unary)['outputs'][number]['shape']) =>
    signature({ inputs: { a: fp32(-1) }, outputs: { b: fp32(...b) } });
  const reading = (a: readonly number[]) => signature({ inputs: { a: fp32(...a) }, outputs: { b: fp32(-1) } });

  it('whose steps give and take other datatypes', async () => {
    const taking = signature({ inputs: { a: int32(-1) }, outputs: { b: fp32(-1) } });
    await expect(twoSteps(unary, taking)).rejects.toThrow(
      "in ensemble 'e', ensemble tensor 'p': inconsistent data type: INT32 is inferred from model 'reader' while FP32 is inferred from model 'writer'",
    );
  });

  it.each([
    [[4], [5]],
    [[4], [4, 1]],
    [
      [-1, 4],
      [2, 5],
    ],
  ])('whose steps give %j and take %j', async (given, taken) => {
    await expect(twoSteps(writing(given), reading(taken))).rejects.toThrow(
      `ensemble tensor 'p': inconsistent shape: [${taken.join(',')}] is inferred from model 'reader' while [${given.join(',')}] is inferred from model 'writer'`,
    );
  });

  it.each([
    [[4], [-1]],
    [
      [-1, 4],
      [3, 4],
    ],
    [[-1], [4]],
  ])('but not where the shapes %j and %j may be the same', async (given, taken) => {
    await expect(twoSteps(writing(given), reading(taken))).resolves.toBeDefined();
  });

  it('whose readers of one tensor can never agree, though its writer leaves it open', async () => {
    models.add('four', reading([4])).add('five', reading([5]));
    const steps: StepParts[] = [
      ['one', { a: 'x' }, { b: 'p' }],
      ['four', { a: 'p' }, { b: 'y' }],
      ['five', { a: 'p' }, { b: 'z' }],
    ];
    await expect(load({ outputs: { y: [-1], z: [-1] }, steps })).rejects.toThrow(
      "inconsistent shape: [4] is inferred from model 'four' while [5] is inferred from model 'five'",
    );
  });

  it('with a decoupled model', async () => {
    models.add('repeat', unary, undefined, { decoupled: true });
    await expect(load({ steps: [['repeat', { a: 'x' }, { b: 'y' }]] })).rejects.toThrow(
      "ensemble 'e' contains model 'repeat', which is decoupled: a step needs exactly one response",
    );
    const config = configOf({ steps: [['one', { a: 'x' }, { b: 'y' }]] });
    await expect(loadConfig(models, { ...config, model_transaction_policy: { decoupled: true } })).rejects.toThrow(
      "ensemble 'e' gives one response to each request",
    );
  });

  it('with more rows than one of its models takes', async () => {
    const rows = signature({ inputs: { a: fp32(-1, 2) }, outputs: { b: fp32(-1, 2) } });
    const parts: EnsembleParts = {
      inputs: { x: [2] },
      outputs: { y: [2] },
      maxBatchSize: 8,
      steps: [['rows', { a: 'x' }, { b: 'y' }]],
    };
    models.add('rows', rows, undefined, { maxBatchSize: 4 });
    await expect(load(parts)).rejects.toThrow(
      "ensemble 'e' allows maximum batch size 8, but it contains model 'rows' which only allows maximum batch size to be 4",
    );
    for (const maxBatchSize of [0, 8]) {
      models.add('rows', rows, undefined, { maxBatchSize });
      await expect(load(parts)).resolves.toBeDefined();
    }
  });

  it('that its own models call', async () => {
    models
      .add('inner', unary, undefined, { dependsOn: ['between'] })
      .add('between', unary, undefined, { dependsOn: ['e'] });
    await expect(load({ steps: [['inner', { a: 'x' }, { b: 'y' }]] })).rejects.toThrow(
      'circular dependency between ensembles: e -> ... -> between -> e',
    );
  });

  it('but not where models only call each other', async () => {
    models.add('one', unary, plusOne, { dependsOn: ['other'] }).add('other', unary, undefined, { dependsOn: ['one'] });
    await expect(load({ steps: [['one', { a: 'x' }, { b: 'y' }]] })).resolves.toBeDefined();
  });

  it('without a configuration', async () => {
    await expect(loadConfig(models)).rejects.toThrow("must specify 'step' for ensemble 'e'");
  });
});

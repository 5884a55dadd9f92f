import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  fp32,
  type InferContext,
  int32,
  type LoadedModel,
  type ModelConfig,
  type NamedTensors,
  optional,
  ServingError,
  type Signature,
  signature,
  type Tensor,
} from '#core';
import type { EnsembleStep, ModelDataType, ModelInput, ModelOutput } from '../../core/model/model-config.js';
import { Deferred } from '../../testing/deferred.js';
import { FakeModelClient } from '../../testing/fake-model-client.js';
import { EnsembleRuntime } from './ensemble.runtime.js';

type Dims = readonly number[];
type TensorParts = Dims | { readonly dims: Dims; readonly type?: ModelDataType; readonly optional?: boolean };
type StepParts = readonly [
  model: string,
  inputs: Readonly<Record<string, string>>,
  outputs: Readonly<Record<string, string>>,
  version?: number,
];

interface EnsembleParts {
  readonly inputs?: Readonly<Record<string, TensorParts>>;
  readonly outputs?: Readonly<Record<string, TensorParts>>;
  readonly steps: readonly StepParts[];
  readonly maxBatchSize?: number;
}

const toTensor = ([name, parts]: readonly [string, TensorParts]): ModelInput & ModelOutput => {
  const { dims, type = 'TYPE_FP32', optional = false } = 'dims' in parts ? parts : { dims: parts };
  return {
    name,
    data_type: type,
    dims,
    optional,
    format: 'FORMAT_NONE',
    label_filename: '',
    is_shape_tensor: false,
    allow_ragged_batch: false,
    is_non_linear_format_io: false,
  };
};

/** The parts of a configuration that an ensemble is made of. */
const configOf = ({ inputs = { x: [-1] }, outputs = { y: [-1] }, steps, maxBatchSize = 0 }: EnsembleParts) =>
  ({
    name: 'e',
    platform: 'ensemble',
    max_batch_size: maxBatchSize,
    input: Object.entries(inputs).map(toTensor),
    output: Object.entries(outputs).map(toTensor),
    ensemble_scheduling: {
      step: steps.map(([model_name, input_map, output_map, model_version = -1]): EnsembleStep => {
        return { model_name, model_version, input_map, output_map, model_namespace: '' };
      }),
      max_inflight_requests: 0,
    },
  }) as unknown as ModelConfig;

let models: FakeModelClient;

const loadConfig = (config?: ModelConfig): Promise<LoadedModel> =>
  new EnsembleRuntime(models).load({
    name: 'e',
    version: '1',
    path: '/e/1',
    ...(config === undefined ? {} : { config }),
  });
const load = (parts: EnsembleParts): Promise<LoadedModel> => loadConfig(configOf(parts));

const contextOf = (parts: Partial<InferContext> = {}): InferContext => ({
  id: 'i-1',
  signal: new AbortController().signal,
  deadline: 1_900_000_000_000,
  parameters: new Map(),
  principal: { name: 'ci', roles: [] },
  response: { parameters: new Map() },
  ...parts,
});

async function run({ model }: LoadedModel, inputs: NamedTensors, context = contextOf()): Promise<NamedTensors> {
  return (await model.infer?.(inputs, context)) ?? {};
}

const unary = signature({ inputs: { a: fp32(-1) }, outputs: { b: fp32(-1) } });
const binary = signature({ inputs: { l: fp32(-1), r: fp32(-1) }, outputs: { sum: fp32(-1) } });
const x = fp32.of([2], [1, 2]);

type Floats = Tensor<'FP32'>;
const plusOne = ({ a }: NamedTensors): NamedTensors => ({ b: (a as Floats).map((value) => value + 1) });
const add = ({ l, r }: NamedTensors): NamedTensors => ({
  sum: (l as Floats).map((value, index) => value + ((r as Floats).data[index] ?? Number.NaN)),
});

/** A model that answers when a test lets it; its calls end when their signal aborts, and say so. */
function gated(name: string, result: NamedTensors = { b: x }) {
  const gate = new Deferred();
  const ended: unknown[] = [];
  models.add(name, unary, (_, context) => {
    const aborted = new Promise<never>((__, reject) =>
      context?.signal.addEventListener('abort', () => {
        ended.push(context.signal.reason);
        reject(context.signal.reason as Error);
      }),
    );
    return Promise.race([gate.promise.then(() => result), aborted]);
  });
  return { gate, ended };
}

/** Every promise that can settle by now has. */
const settled = (): Promise<void> => new Promise(setImmediate);
const called = (): string[] => models.calls.map(({ model }) => model);

beforeEach(() => {
  models = new FakeModelClient().add('one', unary, plusOne).add('add', binary, add);
});

/** x + 1 + (x + 1 + 1) */
const DIAMOND: EnsembleParts = {
  steps: [
    ['add', { l: 'p', r: 'q' }, { sum: 'y' }],
    ['one', { a: 'p' }, { b: 'q' }],
    ['one', { a: 'x' }, { b: 'p' }],
  ],
};

describe('a loaded ensemble', () => {
  it('has the tensors of its configuration, and depends on the models of its steps', async () => {
    models.add('typed', signature({ inputs: { a: int32(-1, 2), s: fp32(-1) }, outputs: { b: int32(-1, 2) } }));
    const { inputs, outputs, dependsOn } = await load({
      inputs: { x: { dims: [2], type: 'TYPE_INT32' }, s: [] },
      outputs: { y: { dims: [2], type: 'TYPE_INT32' } },
      maxBatchSize: 8,
      steps: [
        ['typed', { a: 'x', s: 's' }, { b: 'm' }],
        ['typed', { a: 'm', s: 's' }, { b: 'y' }],
      ],
    });
    expect(inputs).toEqual([
      { name: 'x', datatype: 'INT32', shape: [-1, 2], optional: false },
      { name: 's', datatype: 'FP32', shape: [-1], optional: false },
    ]);
    expect(outputs).toEqual([{ name: 'y', datatype: 'INT32', shape: [-1, 2], optional: false }]);
    expect(dependsOn).toEqual(['typed']);
  });

  it('declares strings, what is optional, and the shape that its steps work with', async () => {
    models.add(
      'text',
      signature({
        inputs: { a: { datatype: 'BYTES', shape: [-1], optional: false }, n: optional(fp32(4)) },
        outputs: { b: { datatype: 'BYTES', shape: [-1], optional: false } },
      }),
    );
    const config = configOf({
      inputs: { x: { dims: [1], type: 'TYPE_STRING' }, n: { dims: [2, 2], optional: true } },
      outputs: { y: { dims: [1], type: 'TYPE_STRING' } },
      steps: [['text', { a: 'x', n: 'n' }, { b: 'y' }]],
    });
    const [text, number] = config.input as [ModelInput, ModelInput];
    const { inputs } = await loadConfig({ ...config, input: [text, { ...number, reshape: { shape: [4] } }] });
    expect(inputs).toEqual([
      { name: 'x', datatype: 'BYTES', shape: [1], optional: false },
      { name: 'n', datatype: 'FP32', shape: [4], optional: true },
    ]);
  });

  it('runs its steps in the order of their tensors, however they are written', async () => {
    const ensemble = await load(DIAMOND);
    expect(await run(ensemble, { x })).toEqual({ y: fp32.of([2], [5, 7]) });
    expect(called()).toEqual(['one', 'one', 'add']);
  });

  it('runs any number of requests, each for itself', async () => {
    const ensemble = await load(DIAMOND);
    const numbers = Array.from({ length: 5 }, (_, index) => index);
    const answers = await Promise.all(numbers.map((n) => run(ensemble, { x: fp32.of([1], [n]) })));
    expect(answers).toEqual(numbers.map((n) => ({ y: fp32.of([1], [2 * n + 3]) })));
  });

  it('gives tensors of inner steps too, and leaves out what is not mapped', async () => {
    models.add('two', signature({ inputs: { a: fp32(-1) }, outputs: { b: fp32(-1), c: fp32(-1) } }), () => ({
      b: x,
      c: x,
    }));
    const ensemble = await load({
      outputs: { y: [-1], p: [-1] },
      steps: [
        ['two', { a: 'x' }, { b: 'p' }],
        ['one', { a: 'p' }, { b: 'y' }],
      ],
    });
    expect(Object.keys(await run(ensemble, { x }))).toEqual(['y', 'p']);
  });

  it('calls the latest version, or the one that a step names', async () => {
    models.add('one/3', unary, () => ({ b: fp32.of([1], [3]) }));
    const ensemble = await load({
      steps: [
        ['one', { a: 'x' }, { b: 'p' }],
        ['one', { a: 'p' }, { b: 'y' }, 3],
      ],
    });
    expect(await run(ensemble, { x })).toEqual({ y: fp32.of([1], [3]) });
    expect(models.calls.map(({ version }) => version)).toEqual(['', '3']);
  });

  it('leaves out what its caller leaves out', async () => {
    const lenient = signature({ inputs: { a: fp32(-1), seed: optional(fp32(1)) }, outputs: { b: fp32(-1) } });
    models.add('lenient', lenient, plusOne);
    const ensemble = await load({
      inputs: { x: [-1], seed: { dims: [1], optional: true } },
      steps: [['lenient', { a: 'x', seed: 'seed' }, { b: 'y' }]],
    });
    await run(ensemble, { x });
    await run(ensemble, { x, seed: fp32.of([1], [7]) });
    await run(await load({ steps: [['lenient', { a: 'x' }, { b: 'y' }]] }), { x });
    expect(models.calls.map(({ inputs }) => Object.keys(inputs))).toEqual([['a'], ['a', 'seed'], ['a']]);
  });

  it('takes tensors with names that mean something on other objects', async () => {
    const ensemble = await load({
      inputs: { ['__proto__']: [-1] },
      outputs: { constructor: [-1] },
      steps: [
        ['one', { a: '__proto__' }, { b: 'toString' }],
        ['one', { a: 'toString' }, { b: 'constructor' }],
      ],
    });
    const { constructor: result } = (await run(
      ensemble,
      Object.assign(Object.create(null), { ['__proto__']: x }) as NamedTensors,
    )) as {
      constructor: unknown;
    };
    expect(result).toEqual(fp32.of([2], [3, 4]));
  });
});

describe('the steps of a request', () => {
  it('run side by side where nothing joins them, and each as soon as it can', async () => {
    const [slow, fast] = [gated('slow'), gated('fast')];
    const ensemble = await load({
      outputs: { y: [-1], z: [-1] },
      steps: [
        ['slow', { a: 'x' }, { b: 'p' }],
        ['fast', { a: 'x' }, { b: 'q' }],
        ['one', { a: 'q' }, { b: 'z' }],
        ['add', { l: 'p', r: 'q' }, { sum: 'y' }],
      ],
    });
    const running = run(ensemble, { x });
    expect(called()).toEqual(['slow', 'fast']);
    fast.gate.resolve();
    await settled();
    expect(called()).toEqual(['slow', 'fast', 'one']);
    slow.gate.resolve();
    expect(await running).toEqual({ y: fp32.of([2], [2, 4]), z: fp32.of([2], [2, 3]) });
    expect(called()).toEqual(['slow', 'fast', 'one', 'add']);
  });

  it("know the request's id, deadline, principal and parameters, and answer for themselves", async () => {
    const context = contextOf({ parameters: new Map([['p', 1]]) });
    models.add('one', unary, (inputs, inner) => {
      inner?.response.parameters.set('inner', true);
      return plusOne(inputs);
    });
    await run(await load(DIAMOND), { x }, context);
    const { id, deadline, principal, parameters } = context;
    for (const { context: inner, options } of models.calls) {
      expect(inner).toMatchObject({ id, deadline, principal });
      expect(options).toEqual({ parameters });
    }
    expect([...context.response.parameters]).toEqual([]);
  });

  it('end with their caller, whose reason is the answer', async () => {
    const [one, other] = [gated('slow'), gated('fast')];
    const ensemble = await load({
      steps: [
        ['slow', { a: 'x' }, { b: 'p' }],
        ['fast', { a: 'x' }, { b: 'q' }],
        ['add', { l: 'p', r: 'q' }, { sum: 'y' }],
      ],
    });
    const caller = new AbortController();
    const running = run(ensemble, { x }, contextOf({ signal: caller.signal }));
    const reason = new ServingError('cancelled', 'gone');
    caller.abort(reason);
    await expect(running).rejects.toBe(reason);
    expect([one.ended, other.ended]).toEqual([[reason], [reason]]);
    await settled();
    expect(called()).toEqual(['slow', 'fast']);
  });

  it('can be many at a time, without a warning', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error): unknown => warnings.push(warning);
    process.on('warning', note);
    const { gate } = gated('slow');
    const names = Array.from({ length: 40 }, (_, index) => `t${index}`);
    const ensemble = await load({
      outputs: Object.fromEntries(names.map((name) => [name, [-1]])),
      steps: names.map((name) => ['slow', { a: 'x' }, { b: name }]),
    });
    const running = run(ensemble, { x });
    expect(called()).toHaveLength(40);
    gate.resolve();
    await running;
    await settled();
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });
});

describe('a step that fails', () => {
  const parts: EnsembleParts = {
    steps: [
      ['slow', { a: 'x' }, { b: 'p' }],
      ['failing', { a: 'x' }, { b: 'q' }],
      ['add', { l: 'p', r: 'q' }, { sum: 'y' }],
    ],
  };

  it('ends the others, and the answer is its error with its name', async () => {
    const cause = new ServingError('resource-exhausted', 'come back', { retryAfterMs: 20 });
    models.add('failing', unary, () => Promise.reject(cause));
    const slow = gated('slow');
    const failure = {
      code: 'resource-exhausted',
      message: "in ensemble 'e', step 1 ('failing'): come back",
      retryAfterMs: 20,
      cause,
    };
    await expect(run(await load(parts), { x })).rejects.toMatchObject(failure);
    expect(slow.ended).toEqual([expect.objectContaining(failure)]);
    slow.gate.resolve();
    await settled();
    expect(called()).toEqual(['slow', 'failing']);
  });

  it('is the answer alone where a later step fails because of it', async () => {
    const [first, second] = [gated('slow'), gated('failing')];
    const running = run(await load(parts), { x });
    second.gate.reject(new ServingError('unavailable', 'first'));
    first.gate.promise.catch(() => undefined);
    await expect(running).rejects.toThrow("step 1 ('failing'): first");
  });

  it('starts nothing more, though another one ends well after it', async () => {
    models.add('failing', unary, () => Promise.reject(new ServingError('internal', 'broken')));
    const deaf = new Deferred();
    models.add('slow', unary, () => deaf.promise.then(() => ({ b: x })));
    const ensemble = await load({
      outputs: { y: [-1], q: [-1] },
      steps: [
        ['slow', { a: 'x' }, { b: 'p' }],
        ['failing', { a: 'x' }, { b: 'q' }],
        ['one', { a: 'p' }, { b: 'y' }],
      ],
    });
    await expect(run(ensemble, { x })).rejects.toThrow('broken');
    deaf.resolve();
    await settled();
    expect(called()).toEqual(['slow', 'failing']);
  });

  it('tells nothing that is not meant for callers, but the log', async () => {
    const cause = new TypeError('secret');
    models.add('failing', unary, () => Promise.reject(cause)).add('slow', unary, () => ({ b: x }));
    const failure: unknown = await run(await load(parts), { x }).catch((thrown: unknown) => thrown);
    expect(failure).not.toBeInstanceOf(ServingError);
    expect(failure).toMatchObject({ message: "in ensemble 'e', step 1 ('failing') failed", cause });
  });

  it('is one whose model was replaced by another that gives no such output', async () => {
    models.add('slow', unary, () => ({ b: x })).add('failing', unary, () => ({}));
    await expect(run(await load(parts), { x })).rejects.toMatchObject({
      code: 'failed-precondition',
      message: "in ensemble 'e', step 1 ('failing'): model 'failing' gave no output 'b'",
    });
  });
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
    await expect(loadConfig({ ...config, model_transaction_policy: { decoupled: true } })).rejects.toThrow(
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
    await expect(loadConfig()).rejects.toThrow("must specify 'step' for ensemble 'e'");
  });
});

/** Each step reads two of the tensors before it; the last of them all is the output, and so is whatever nobody reads. */
const graphs = fc.array(
  fc.record({ kind: fc.constantFrom('one', 'add'), left: fc.nat(), right: fc.nat(), place: fc.nat() }),
  { minLength: 1, maxLength: 15 },
);

it('comes to what its graph comes to when it is worked out by hand', async () => {
  await fc.assert(
    fc.asyncProperty(graphs, fc.array(fc.integer({ min: -9, max: 9 }), { maxLength: 3 }), async (nodes, values) => {
      const given = fp32.of([values.length], values);
      const worked: NamedTensors[] = [{ t: given }];
      const read = new Set<number>();
      const steps = nodes.map(({ kind, left, right }, index): StepParts => {
        // The first step reads the input, so that it is used.
        const [l, r] = [index === 0 ? 0 : left % (index + 1), right % (index + 1)];
        const [tl, tr] = [worked[l]?.['t'] as Floats, worked[r]?.['t'] as Floats];
        read.add(l);
        if (kind === 'one') {
          worked.push({ t: tl.map((value) => value + 1) });
          return ['one', { a: `t${l}` }, { b: `t${index + 1}` }];
        }
        read.add(r);
        worked.push({
          t: fp32.of(
            tl.shape,
            tl.numbers().map((value, at) => value + (tr.numbers()[at] ?? 0)),
          ),
        });
        return ['add', { l: `t${l}`, r: `t${r}` }, { sum: `t${index + 1}` }];
      });
      const unread = worked.flatMap((_, index) => (index > 0 && !read.has(index) ? [index] : []));
      const shuffled = steps
        .map((step, index) => ({ step, place: nodes[index]?.place ?? 0 }))
        .sort((one, other) => one.place - other.place)
        .map(({ step }) => step);
      const ensemble = await load({
        inputs: { t0: [-1] },
        outputs: Object.fromEntries(unread.map((index) => [`t${index}`, [-1]])),
        steps: shuffled,
      });
      const outputs = await run(ensemble, { t0: given });
      expect(Object.fromEntries(Object.entries(outputs))).toEqual(
        Object.fromEntries(unread.map((index) => [`t${index}`, worked[index]?.['t']])),
      );
    }),
  );
});

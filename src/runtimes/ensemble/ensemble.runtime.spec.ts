import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  fp32,
  type InferContext,
  int32,
  type LoadedModel,
  type NamedTensors,
  optional,
  ServingError,
  signature,
} from '#core';
import type { ModelInput } from '../../core/model/model-config.js';
import { Deferred } from '../../testing/deferred.js';
import type { FakeModelClient } from '../../testing/fake-model-client.js';
import {
  configOf,
  type EnsembleParts,
  type Floats,
  loadConfig,
  plusOne,
  someModels,
  type StepParts,
  unary,
} from '../../../test/support/ensembles.js';

let models: FakeModelClient;

const load = (parts: EnsembleParts): Promise<LoadedModel> => loadConfig(models, configOf(parts));

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

const x = fp32.of([2], [1, 2]);

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
  models = someModels();
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
    const { inputs } = await loadConfig(models, { ...config, input: [text, { ...number, reshape: { shape: [4] } }] });
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

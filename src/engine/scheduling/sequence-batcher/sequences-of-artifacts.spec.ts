import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  type BatchContext,
  bytes,
  fp32,
  int32,
  type NamedTensors,
  type SequenceContext,
  ServingError,
  type Signature,
  signature,
  Tensor,
  uint64,
} from '#core';
import { handleOf, requestOf } from '../../../../test/support/engine.js';
import { FakeExecutor } from '../../../../test/support/fake-executor.js';
import type { RunContext } from '../../../core/inference/context.js';
import type { ParameterValue } from '../../../core/inference/parameters.js';
import type { InferenceResponse } from '../../../core/inference/response.js';
import type { SequenceBatching, SequenceControl, SequenceState } from '../../../core/model/scheduling.js';
import { FakeInferenceCall } from '../../../testing/fake-inference-call.js';
import type { Scheduler } from '../scheduler.js';

const rows = signature({ inputs: { x: fp32(-1, 1) }, outputs: { y: fp32(-1, 1) } });
const single = signature({ inputs: { x: fp32(1) }, outputs: { y: fp32(1) } });
const turn = (): Promise<void> => new Promise(setImmediate);

/** What has ended is told in one turn of the event loop, and what comes then runs in the next. */
const settled = async (): Promise<void> => {
  await turn();
  await turn();
};

const START = { sequence_start: true };
const END = { sequence_end: true };

const CONTROLS: readonly SequenceControl[] = [
  { input: 'START', kind: 'start', datatype: 'INT32', values: [0, 1] },
  { input: 'END', kind: 'end', datatype: 'BOOL' },
  { input: 'READY', kind: 'ready', datatype: 'FP32', values: [-1, 2] },
  { input: 'CORRID', kind: 'correlation-id', datatype: 'UINT64' },
];
const STATE: SequenceState = { input: 'before', output: 'after', datatype: 'FP32', shape: [2] };

const numbersOf = (tensor: Tensor | undefined): number[] => (tensor as Tensor<'FP32'>).numbers();

type Flags = Readonly<Record<string, ParameterValue>>;

function send(scheduler: Scheduler, id: ParameterValue, value: number, flags: Flags = {}, parts: object = {}) {
  const parameters = new Map<string, ParameterValue>(Object.entries({ sequence_id: id, ...flags }));
  const inputs = { x: fp32.of([1, 1], [value]) };
  const result = scheduler.enqueue(requestOf({ inputs, parameters, ...parts }), new FakeInferenceCall());
  result.catch(() => undefined);
  return result;
}

/** An artifact of one instance and four rows, whose runs end when the test says so. */
function start(
  sequence: SequenceBatching,
  {
    maxBatchSize = 4,
    shapes = rows,
    instances = 1,
  }: { maxBatchSize?: number; shapes?: Signature; instances?: number } = {},
) {
  const executor = new FakeExecutor(instances);
  const { scheduler } = handleOf({ executor, signature: shapes, scheduling: { maxBatchSize, sequence } });
  /** Answers with the inputs, and with states that tell the run and the row. */
  const finish = async (index: number): Promise<void> => {
    const x = executor.runs[index]?.inputs['x'];
    const count = x?.shape[0] ?? 0;
    const after = Array.from({ length: count }, (_, row) => [index, row]).flat();
    executor.runs[index]?.finish({
      y: x ?? fp32.of([0], []),
      ...(sequence.states === undefined ? {} : { after: fp32.of([...(maxBatchSize > 0 ? [count] : []), 2], after) }),
    });
    await settled();
  };
  const input = (run: number, name: string) => executor.runs[run]?.inputs[name];
  return { executor, scheduler, finish, input };
}

describe('an artifact', () => {
  it('runs the requests of different sequences as one batch, each with its controls', async () => {
    const { executor, scheduler, finish, input } = start({ controls: CONTROLS });
    const results = [send(scheduler, 11, 1, START), send(scheduler, 12, 2, { ...START, ...END })];
    results.push(send(scheduler, 11, 3));
    await settled();
    expect(executor.runs).toHaveLength(1);
    expect(input(0, 'x')).toEqual(fp32.of([2, 1], [1, 2]));
    expect(input(0, 'START')).toEqual(int32.of([2, 1], [1, 1]));
    expect(input(0, 'END')).toEqual(new Tensor('BOOL', [2, 1], Uint8Array.of(0, 1)));
    expect(input(0, 'READY')).toEqual(fp32.of([2, 1], [2, 2]));
    expect(input(0, 'CORRID')).toEqual(uint64.of([2, 1], [11, 12]));
    await finish(0);
    expect(input(1, 'START')).toEqual(int32.of([1, 1], [0]));
    await finish(1);
    const responses = await Promise.all(results);
    expect(responses.map(({ outputs: [y] }) => numbersOf(y?.tensor))).toEqual([[1], [2], [3]]);
  });

  it('without a batch dimension runs each request by itself', async () => {
    const options = { controls: CONTROLS, states: [STATE] };
    const { executor, scheduler, finish, input } = start(options, { maxBatchSize: 0, shapes: single });
    const inputs = { x: fp32.of([1], [5]) };
    const results = [send(scheduler, 1, 0, START, { inputs })];
    await finish(0);
    results.push(send(scheduler, 1, 0, END, { inputs }));
    expect(input(0, 'START')).toEqual(int32.of([1], [1]));
    expect(input(0, 'before')).toEqual(fp32.of([2], [0, 0]));
    expect(input(1, 'before')).toEqual(fp32.of([2], [0, 0]));
    await finish(1);
    await Promise.all(results);
    expect(executor.runs).toHaveLength(2);
  });

  it('gets back what it gave out, which no caller sees', async () => {
    const { scheduler, finish, input } = start({ states: [STATE] });
    const results = [send(scheduler, 1, 1, START), send(scheduler, 2, 2, START), send(scheduler, 2, 3)];
    results.push(send(scheduler, 1, 4, {}, { outputs: [{ name: 'y', parameters: new Map() }] }));
    await settled();
    expect(input(0, 'before')).toEqual(fp32.of([2, 2], [0, 0, 0, 0]));
    await finish(0);
    expect(input(1, 'x')).toEqual(fp32.of([2, 1], [4, 3]));
    expect(input(1, 'before')).toEqual(fp32.of([2, 2], [0, 0, 0, 1]));
    await finish(1);
    results.push(send(scheduler, 1, 5), send(scheduler, 2, 6, START));
    await settled();
    expect(input(2, 'before')).toEqual(fp32.of([2, 2], [1, 0, 0, 0]));
    await finish(2);
    for (const { outputs } of await Promise.all(results)) expect(outputs.map(({ name }) => name)).toEqual(['y']);
  });

  it('keeps of a batch no more than its own row', async () => {
    const { scheduler, finish, input } = start({ states: [STATE] });
    const results = [send(scheduler, 1, 1, START), send(scheduler, 2, 2, START)];
    await settled();
    await finish(0);
    results.push(send(scheduler, 1, 3));
    await settled();
    const { data } = input(1, 'before') as Tensor<'FP32'>;
    expect(data.buffer.byteLength).toBe(8);
    await finish(1);
    await Promise.all(results);
  });

  it('starts with the state that it names', async () => {
    const { scheduler, finish, input } = start({ states: [{ ...STATE, initial: fp32.of([2], [7, 8]) }] });
    const results = [send(scheduler, 1, 1, START), send(scheduler, 2, 1, START)];
    await settled();
    expect(input(0, 'before')).toEqual(fp32.of([2, 2], [7, 8, 7, 8]));
    await finish(0);
    await Promise.all(results);
  });

  it('gives out a state that is an output as well', async () => {
    const shapes = signature({ inputs: { x: fp32(-1, 1) }, outputs: { y: fp32(-1, 1), after: fp32(-1, 2) } });
    const { scheduler, finish } = start({ states: [STATE] }, { shapes });
    const outputs = [{ name: 'y', parameters: new Map() }];
    const results = [send(scheduler, 1, 1, START), send(scheduler, 2, 1, START, { outputs })];
    await settled();
    await finish(0);
    const names = (await Promise.all(results)).map(({ outputs: given }) => given.map(({ name }) => name));
    expect(names).toEqual([['y', 'after'], ['y']]);
  });

  it('does not merge states of different shapes', async () => {
    const executor = new FakeExecutor();
    const states = [{ ...STATE, shape: [-1] }];
    const { scheduler } = handleOf({
      executor,
      signature: rows,
      scheduling: { maxBatchSize: 4, sequence: { states } },
    });
    const finish = async (run: number, width: number) => {
      const count = executor.runs[run]?.inputs['x']?.shape[0] ?? 0;
      const after = fp32.of([count, width], new Float32Array(count * width));
      executor.runs[run]?.finish({ y: fp32.of([count, 1], new Float32Array(count)), after });
      await settled();
    };
    const results = [send(scheduler, 1, 1, START)];
    await settled();
    await finish(0, 3);
    results.push(send(scheduler, 1, 1), send(scheduler, 2, 1, START));
    await settled();
    expect(executor.runs.map(({ inputs }) => inputs['before']?.shape)).toEqual([
      [1, 1],
      [1, 3],
    ]);
    await finish(1, 3);
    await finish(2, 3);
    await Promise.all(results);
  });

  it('is held against its states too', async () => {
    const { executor, scheduler } = start({ states: [STATE] });
    const result = send(scheduler, 1, 1, START);
    await settled();
    executor.runs[0]?.finish({ y: fp32.of([1, 1], [1]) });
    await expect(result).rejects.toMatchObject({
      code: 'internal',
      message: "model 'm' returned no tensor for output 'after'",
    });
  });

  it('runs again each request of a batch that fails, with the same state', async () => {
    const { executor, scheduler, finish, input } = start({ states: [STATE] });
    const first = [send(scheduler, 1, 1, START), send(scheduler, 2, 2, START)];
    await settled();
    await finish(0);
    await Promise.all(first);
    const [bad, good] = [send(scheduler, 1, 3), send(scheduler, 2, 4)];
    await settled();
    executor.runs[1]?.fail(new Error('broken'));
    await settled();
    executor.runs[2]?.fail(new Error('broken'));
    await expect(bad).rejects.toMatchObject({ code: 'internal' });
    expect(numbersOf(input(3, 'before'))).toEqual([0, 1]);
    await finish(3);
    await good;
    const after = [send(scheduler, 1, 5), send(scheduler, 2, 6)];
    await settled();
    expect(numbersOf(input(4, 'before'))).toEqual([0, 0, 3, 0]);
    await finish(4);
    await Promise.all(after);
  });

  it('waits for others to join where its strategy says so', async () => {
    const sequence: SequenceBatching = { strategy: 'oldest', preferredSizes: [2], maxDelayMs: 60_000 };
    const { executor, scheduler, finish } = start(sequence);
    const results = [send(scheduler, 1, 1, START)];
    await settled();
    expect(executor.runs).toHaveLength(0);
    results.push(send(scheduler, 2, 2, START));
    await settled();
    expect(executor.runs).toHaveLength(1);
    await finish(0);
    await Promise.all(results);
    const last = [send(scheduler, 1, 3), send(scheduler, 3, 4, START), send(scheduler, 3, 5)];
    await settled();
    await finish(1);
    expect(executor.runs).toHaveLength(2);
    const stopped = scheduler.stop('is served');
    await finish(2);
    await Promise.all(last);
    await stopped;
  });

  it('has a slot for each row of each instance', async () => {
    const { executor, scheduler, finish, input } = start({}, { maxBatchSize: 2 });
    const results = [1, 2, 3].map((id) => send(scheduler, id, id, START));
    await settled();
    await finish(0);
    expect(executor.runs).toHaveLength(1);
    results.push(send(scheduler, 1, 4, END));
    await settled();
    await finish(1);
    expect(input(2, 'x')).toEqual(fp32.of([1, 1], [3]));
    await finish(2);
    await Promise.all(results);
    await scheduler.stop('is served');
  });
});

describe('a model that is told which rows are ready', () => {
  const READY: SequenceBatching = { controls: [{ input: 'READY', kind: 'ready', datatype: 'INT32', values: [0, 1] }] };
  const output = async (result: Promise<InferenceResponse>) => numbersOf((await result).outputs[0]?.tensor);

  it('sees each sequence in its own row, and between them rows that are not', async () => {
    const { scheduler, finish, input } = start({ ...READY, states: [STATE] });
    const first = [1, 2, 3].map((id) => send(scheduler, id, id, START));
    await settled();
    expect(input(0, 'READY')).toEqual(int32.of([3, 1], [1, 1, 1]));
    await finish(0);
    await Promise.all(first);
    // The third row alone, with its own state.
    const third = send(scheduler, 3, 30);
    await settled();
    expect(input(1, 'x')).toEqual(fp32.of([3, 1], [0, 0, 30]));
    expect(input(1, 'READY')).toEqual(int32.of([3, 1], [0, 0, 1]));
    expect(input(1, 'before')).toEqual(fp32.of([3, 2], [0, 0, 0, 0, 0, 2]));
    await finish(1);
    expect(await output(third)).toEqual([30]);
    // The order in which they come changes no row.
    const both = [send(scheduler, 3, 31), send(scheduler, 1, 10, END)];
    await settled();
    expect(input(2, 'x')).toEqual(fp32.of([3, 1], [10, 0, 31]));
    expect(input(2, 'READY')).toEqual(int32.of([3, 1], [1, 0, 1]));
    await finish(2);
    expect(await Promise.all(both.map(output))).toEqual([[31], [10]]);
    // The row that has become free is the next one's.
    const next = send(scheduler, 4, 40, START);
    await settled();
    expect(input(3, 'x')).toEqual(fp32.of([1, 1], [40]));
    await finish(3);
    expect(await output(next)).toEqual([40]);
  });

  it('sees the sequences spread over its instances', async () => {
    const { executor, scheduler, finish, input } = start(READY, { maxBatchSize: 2, instances: 2 });
    const results = [1, 2, 3, 4].map((id) => send(scheduler, id, id, START));
    results.push(send(scheduler, 5, 5, { ...START, ...END }));
    await settled();
    expect(executor.runs).toHaveLength(2);
    expect([input(0, 'x'), input(1, 'x')]).toEqual([fp32.of([2, 1], [1, 3]), fp32.of([2, 1], [2, 4])]);
    const freed = [send(scheduler, 2, 2, END)];
    await finish(0);
    await finish(1);
    await finish(2);
    await finish(3);
    expect(await Promise.all([...results, ...freed].map(output))).toEqual([[1], [2], [3], [4], [5], [2]]);
  });

  it('is held against the rows that it got', async () => {
    const { executor, scheduler, finish } = start(READY);
    const first = [1, 2].map((id) => send(scheduler, id, id, START));
    await settled();
    await finish(0);
    await Promise.all(first);
    const second = send(scheduler, 2, 2);
    await settled();
    executor.runs[1]?.finish({ y: fp32.of([1, 1], [2]) });
    await expect(second).rejects.toMatchObject({
      message: "model 'm' returned output 'y' of 1 rows for a batch of 2",
    });
  });
});

describe('with minimum_slot_utilization', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('a batch waits for its share of the slots, up to the delay', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const { executor, scheduler, finish, input } = start({ minSlotUse: 0.5, maxDelayMs: 60_000 });
    const results = [send(scheduler, 1, 1, START)];
    await settled();
    expect(executor.runs).toHaveLength(0);
    results.push(send(scheduler, 2, 2, START));
    await settled();
    expect(input(0, 'x')).toEqual(fp32.of([2, 1], [1, 2]));
    await finish(0);
    results.push(send(scheduler, 1, 3));
    await settled();
    vi.advanceTimersByTime(59_000);
    expect(executor.runs).toHaveLength(1);
    vi.advanceTimersByTime(2_000);
    expect(executor.runs).toHaveLength(2);
    await finish(1);
    await Promise.all(results);
    await scheduler.stop('is served');
  });

  it('the delay is nothing without a share', async () => {
    const { executor, scheduler, finish } = start({ maxDelayMs: 60_000 });
    const result = send(scheduler, 1, 1, { ...START, ...END });
    await settled();
    expect(executor.runs).toHaveLength(1);
    await finish(0);
    await result;
  });
});

describe('an iterative sequence', () => {
  it.each<[SequenceControl['datatype'], Tensor]>([
    ['UINT64', uint64.of([2, 1], [1, 2])],
    ['BYTES', bytes.of([2, 1], ['1', '2'])],
  ])('is a request without an id, for which a %s is made', async (datatype, ids) => {
    const controls: SequenceControl[] = [
      ...CONTROLS.filter(({ kind }) => kind !== 'correlation-id'),
      { input: 'CORRID', kind: 'correlation-id', datatype },
    ];
    const { scheduler, finish, input } = start({ controls, states: [STATE], iterative: true });
    const results = [send(scheduler, 0, 1), send(scheduler, '', 2)];
    await settled();
    expect(input(0, 'CORRID')).toEqual(ids);
    expect(input(0, 'START')).toEqual(int32.of([2, 1], [1, 1]));
    expect(input(0, 'END')).toEqual(new Tensor('BOOL', [2, 1], Uint8Array.of(1, 1)));
    await finish(0);
    await Promise.all(results);
    // Nobody goes on with it, not even who guesses its id.
    const id = datatype === 'BYTES' ? '1' : 1;
    await expect(send(scheduler, id, 3)).rejects.toMatchObject({
      message: `inference request for sequence ${id} to model 'm' must specify the START flag on the first request of the sequence`,
    });
  });

  it('leaves those with an id as they are', async () => {
    const { scheduler, finish, input } = start({ controls: CONTROLS, iterative: true });
    const results = [send(scheduler, 1, 1, START), send(scheduler, 0, 2)];
    await settled();
    expect(input(0, 'END')).toEqual(new Tensor('BOOL', [2, 1], Uint8Array.of(0, 1)));
    await finish(0);
    results.push(send(scheduler, 1, 3));
    await settled();
    expect(input(1, 'START')).toEqual(int32.of([1, 1], [0]));
    await finish(1);
    await Promise.all(results);
  });
});

describe('refuses', () => {
  const refusal = async (sequence: SequenceBatching, id: ParameterValue, parts: object = {}) => {
    const { scheduler, executor } = start(sequence);
    const failure = await send(scheduler, id, 1, START, parts).catch((thrown: unknown) => thrown);
    expect(executor.runs).toHaveLength(0);
    return failure as ServingError;
  };
  const controlOf = (datatype: 'BYTES' | 'INT32' | 'UINT64'): SequenceBatching => ({
    controls: [{ input: 'CORRID', kind: 'correlation-id', datatype }],
  });

  it.each([
    ['UINT64', 'a', 'BYTES'],
    ['BYTES', 7, 'UINT64'],
  ] as const)('F60: an id that %s cannot carry: %s', async (datatype, id, got) => {
    expect(await refusal(controlOf(datatype), id)).toMatchObject({
      code: 'invalid-argument',
      message: `sequence batching control 'CORRID' data-type is '${got}', but model 'm' expects '${datatype}'`,
    });
  });

  it('F60: such an id at once, though no slot is free', async () => {
    const { scheduler, finish } = start(controlOf('UINT64'), { maxBatchSize: 1 });
    const running = send(scheduler, 1, 1, START);
    await expect(send(scheduler, 'a', 1, START)).rejects.toMatchObject({ code: 'invalid-argument' });
    await settled();
    await finish(0);
    await running;
    await scheduler.stop('is served');
  });

  it('an id beyond the control', async () => {
    expect(await refusal(controlOf('INT32'), 2 ** 31)).toMatchObject({
      code: 'invalid-argument',
      message:
        "sequence batching control 'CORRID' of model 'm': 2147483648 is no INT32: it takes integers from -2147483648 to 2147483647",
    });
  });

  it.each([0, 2])('F60: %i rows', async (count) => {
    const inputs = { x: fp32.of([count, 1], new Float32Array(count)) };
    expect(await refusal({}, 1, { inputs })).toMatchObject({
      code: 'invalid-argument',
      message: "inference request to model 'm' must specify batch-size 1 due to requirements of sequence batcher",
    });
  });

  it('no text id where the model takes texts', async () => {
    const { scheduler, finish, input } = start(controlOf('BYTES'));
    const result = send(scheduler, 'a', 1, START);
    await settled();
    expect(input(0, 'CORRID')).toEqual(bytes.of([1, 1], ['a']));
    await finish(0);
    await result;
  });
});

/** Sums up, each value after all before; 13 is what it cannot take. */
const MODELS = {
  'an artifact': {
    scheduling: {
      maxBatchSize: 2,
      instances: 1,
      sequence: { states: [{ ...STATE, shape: [1] }] },
    },
    infer: async ({ x, before }: NamedTensors) => {
      await turn();
      const values = numbersOf(x);
      if (values.includes(13)) throw new ServingError('invalid-argument', '13');
      const sums = values.map((value, row) => value + (numbersOf(before)[row] ?? Number.NaN));
      const result = fp32.of([sums.length, 1], sums);
      return { y: result, after: result };
    },
  },
  'a class': {
    scheduling: { sequence: { strategy: 'oldest', maxSequences: 2 } },
    infer: async ({ x }: NamedTensors, context: RunContext) => {
      const { state } = (context as Exclude<RunContext, BatchContext>).sequence as SequenceContext;
      const sum = Number(state.get('sum') ?? 0) + (numbersOf(x)[0] ?? Number.NaN);
      await turn();
      if (sum - Number(state.get('sum') ?? 0) === 13) throw new ServingError('invalid-argument', '13');
      state.set('sum', sum);
      return { y: fp32.of([1, 1], [sum]) };
    },
  },
} as const;

/** What a sequence alone answers, request by request. */
function alone(values: readonly number[]): (number | string)[] {
  let sum: number | undefined;
  return values.map((value, index) => {
    if (index === 0) sum = value === 13 ? undefined : 0;
    if (sum === undefined && index > 0) return 'must specify the START flag';
    if (value === 13) return '13';
    sum = (sum ?? 0) + value;
    return sum;
  });
}

describe.each(Object.entries(MODELS))('the sequences of %s', (_, { scheduling, infer }) => {
  it('answer in any company as they do alone', async () => {
    const value = fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 1, max: 12 }) }, fc.constant(13));
    const sequences = fc.tuple(...[1, 2, 3].map(() => fc.array(value, { minLength: 1, maxLength: 6 })));
    const order = fc.array(fc.record({ sequence: fc.nat(2), waits: fc.boolean() }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(sequences, order, async (all, steps) => {
        const { scheduler } = handleOf({ model: { infer }, signature: rows, scheduling });
        const answered: number[][] = all.map(() => []);
        const results: Promise<number | string>[][] = all.map(() => []);
        const next = (which: number): void => {
          const values = all[which] ?? [];
          const index = results[which]?.length ?? 0;
          if (index >= values.length) return;
          const flags = { sequence_start: index === 0, sequence_end: index === values.length - 1 };
          const result = send(scheduler, which + 1, values[index] ?? 0, flags).then(
            ({ outputs: [y] }: InferenceResponse) => numbersOf(y?.tensor)[0] ?? Number.NaN,
            ({ message }: Error) => /must specify the START flag/.exec(message)?.[0] ?? message,
          );
          results[which]?.push(result);
          void result.then(() => answered[which]?.push(index));
        };
        for (const { sequence, waits } of steps) {
          next(sequence);
          if (waits) await turn();
        }
        for (const [which, values] of all.entries()) for (const _ of values) next(which);
        for (const [which, values] of all.entries()) {
          expect(await Promise.all(results[which] ?? [])).toEqual(alone(values));
        }
        expect(answered.map((indices) => indices.join())).toEqual(
          answered.map((indices) => indices.toSorted((a, b) => a - b).join()),
        );
        expect(scheduler.inFlight).toBe(0);
        await scheduler.stop('is served');
      }),
      { numRuns: 100 },
    );
  });
});

import { describe, expect, it, vi } from 'vitest';
import { int32, signature } from '#core';
import { defineModel, serve, type TestServer } from '#testing';
import type { QueueOptions, SequenceOptions } from '../../src/core/model/scheduling.js';
import { ModelRegistry } from '../../src/engine/registry/model-registry.js';
import {
  type Answer,
  answerOfGrpc,
  answerOfRest,
  inferPath,
  onlyOutput,
  toMessage,
  type Wire,
  WIRES,
} from '../support/wires.js';
import { surviving } from './survives.js';

/** F60: requests that break the rules of their sequence. A70: those that would go on with somebody else's. */

const value = signature({ inputs: { x: int32(1) }, outputs: { sum: int32(1) } });

/** Answers with the sum of all values of the sequence so far. */
const sumModel = (name: string, sequence: SequenceOptions = {}, queue: QueueOptions = {}) =>
  defineModel(
    name,
    value,
    ({ x }, { sequence: own }) => {
      const sum = Number(own?.state.get('sum') ?? 0) + Number(x.data[0]);
      own?.state.set('sum', sum);
      return { sum: int32.of([1], [sum]) };
    },
    {},
    { sequence, queue, instances: 1 },
  );

const LONG_MS = 60_000;

const server = surviving([
  sumModel('sum', { idleMs: LONG_MS }),
  sumModel('alone', { maxSequences: 1, idleMs: LONG_MS }),
  sumModel('hasty', { maxSequences: 1, idleMs: 20 }),
  sumModel('impatient', { maxSequences: 1, idleMs: LONG_MS }, { timeoutMs: 20 }),
]);

type Parameter = string | number | boolean;
type Told = Readonly<Record<string, Parameter>>;

const parameterOf = (parameter: Parameter): object => {
  if (typeof parameter === 'number') return { int64_param: String(parameter) };
  return typeof parameter === 'string' ? { string_param: parameter } : { bool_param: parameter };
};

const inputsOf = (x: number) => [{ name: 'x', datatype: 'INT32', shape: [1], data: [x] }];

const messageOf = (model: string, x: number, parameters: Told, id = '') => ({
  ...toMessage({ model, id, inputs: inputsOf(x) }),
  parameters: Object.fromEntries(Object.entries(parameters).map(([key, told]) => [key, parameterOf(told)])),
});

type Infer = (
  at: TestServer,
  model: string,
  x: number,
  parameters: Told,
  headers?: Readonly<Record<string, string>>,
) => Promise<Answer>;

const INFER: Readonly<Record<Wire, Infer>> = {
  grpc: ({ grpc }, model, x, parameters, metadata = {}) =>
    answerOfGrpc(grpc.call('ModelInfer', messageOf(model, x, parameters), { metadata })),
  rest: async ({ rest }, model, x, parameters, headers = {}) =>
    answerOfRest(await rest.post(inferPath(model), { parameters, inputs: inputsOf(x) }, headers)),
};

const sumOf = (answer: Answer): number => {
  const { data, raw } = onlyOutput(answer);
  return raw === undefined ? Number(data?.[0]) : raw.readInt32LE();
};

const INVALID = { grpc: 'INVALID_ARGUMENT', rest: 400 } as const;
const UNAVAILABLE = { grpc: 'UNAVAILABLE', rest: 503 } as const;

const START = { sequence_start: true };
const END = { sequence_end: true };

const noStart = (id: number | string, model: string): string =>
  `inference request for sequence ${id} to model '${model}' must specify the START flag on the first request of the sequence`;

describe.each(WIRES)('%s', (wire) => {
  const infer = (model: string, x: number, parameters: Told) => INFER[wire](server(), model, x, parameters);
  const sum = async (...parts: Parameters<typeof infer>) => sumOf(await infer(...parts));
  /** Ids that no other test of the file has used. */
  const base = wire === 'grpc' ? 1_000 : 2_000;

  /** Until so many requests of a model run or wait. */
  const arrived = (model: string, count: number) =>
    vi.waitFor(() => expect(server().get(ModelRegistry).resolve(model, '').scheduler.inFlight).toBe(count), {
      interval: 1,
    });

  it('F60: a sequence keeps its state from START to END', async () => {
    const id = { sequence_id: base + 1 };
    expect(await sum('sum', 1, { ...id, ...START })).toBe(1);
    expect(await sum('sum', 2, id)).toBe(3);
    expect(await sum('sum', 3, { ...id, ...END })).toBe(6);
    expect(await infer('sum', 4, id)).toMatchObject({ status: INVALID[wire], message: noStart(base + 1, 'sum') });
    expect(await sum('sum', 5, { ...id, ...START, ...END })).toBe(5);
  });

  it.each([
    ['absent', {}],
    ['0', { sequence_id: 0 }],
    ['empty', { sequence_id: '' }],
  ])('F60: an id that is %s', async (_, id) => {
    expect(await infer('sum', 1, { ...id, ...START })).toMatchObject({
      status: INVALID[wire],
      message: "inference request to model 'sum' must specify a non-zero or non-empty correlation ID",
    });
  });

  it.each([
    ['sequence_id', true, 'int64_param or string_param'],
    ['sequence_id', -1, 'int64_param or string_param'],
    ['sequence_start', 1, 'bool_param'],
    ['sequence_end', 'true', 'bool_param'],
  ])('F60: the parameter %s as %j', async (key, told, expected) => {
    expect(await infer('sum', 1, { sequence_id: base + 2, ...START, [key]: told })).toMatchObject({
      status: INVALID[wire],
      message: `invalid value type for '${key}' parameter, expected ${expected}.`,
    });
  });

  it('F60: no START', async () => {
    for (const id of [base + 3, `text-${wire}`]) {
      expect(await infer('sum', 1, { sequence_id: id })).toMatchObject({
        status: INVALID[wire],
        message: noStart(id, 'sum'),
      });
    }
  });

  it('F60: no END, and the id is used again', async () => {
    const id = { sequence_id: base + 4 };
    expect(await sum('sum', 1, { ...id, ...START })).toBe(1);
    expect(await sum('sum', 10, { ...id, ...START })).toBe(10);
    expect(await sum('sum', 2, { ...id, ...END })).toBe(12);
  });

  it('F60: a number and a text are two ids', async () => {
    const [number, text] = [{ sequence_id: base + 5 }, { sequence_id: String(base + 5) }];
    expect(await sum('sum', 1, { ...number, ...START })).toBe(1);
    expect(await infer('sum', 2, text)).toMatchObject({ status: INVALID[wire], message: noStart(base + 5, 'sum') });
    expect(await sum('sum', 3, { ...text, ...START })).toBe(3);
    expect(await sum('sum', 4, { ...number, ...END })).toBe(5);
    expect(await sum('sum', 5, { ...text, ...END })).toBe(8);
  });

  it('F60: the backlog waits for a slot', async () => {
    const [first, second] = [{ sequence_id: base + 6 }, { sequence_id: base + 7 }];
    expect(await sum('alone', 1, { ...first, ...START })).toBe(1);
    const waiting = [sum('alone', 10, { ...second, ...START })];
    await arrived('alone', 1);
    waiting.push(sum('alone', 11, { ...second, ...END }));
    await arrived('alone', 2);
    expect(await sum('alone', 2, { ...first, ...END })).toBe(3);
    expect(await Promise.all(waiting)).toEqual([10, 21]);
  });

  it('F60: the backlog drops a sequence that waits for too long', async () => {
    const [first, second] = [{ sequence_id: base + 8 }, { sequence_id: base + 9 }];
    expect(await sum('impatient', 1, { ...first, ...START })).toBe(1);
    expect(await infer('impatient', 10, { ...second, ...START })).toMatchObject({
      status: UNAVAILABLE[wire],
      message: 'timeout of the corresponding sequence has been expired',
    });
    expect(await infer('impatient', 10, second)).toMatchObject({
      status: INVALID[wire],
      message: noStart(base + 9, 'impatient'),
    });
    expect(await sum('impatient', 2, { ...first, ...END })).toBe(3);
  });

  it('F60: a sequence that is silent for too long gives its slot away', async () => {
    const [first, second] = [{ sequence_id: base + 10 }, { sequence_id: base + 11 }];
    expect(await sum('hasty', 1, { ...first, ...START })).toBe(1);
    expect(await sum('hasty', 10, { ...second, ...START, ...END })).toBe(10);
    expect(await infer('hasty', 2, first)).toMatchObject({
      status: INVALID[wire],
      message: noStart(base + 10, 'hasty'),
    });
  });

  it("A70: nobody goes on with somebody else's sequence, nor ends it", async () => {
    const keys = { alice: 'the-key-of-alice-0001', mallory: 'the-key-of-mallory-01' };
    const environment = { API_KEYS: `alice:${keys.alice},mallory:${keys.mallory}` };
    await using guarded = await serve([sumModel('sum', { idleMs: LONG_MS })], { environment });
    const as = (caller: keyof typeof keys, x: number, flags: Told = {}, id: number | string = 'shared') =>
      INFER[wire](guarded, 'sum', x, { sequence_id: id, ...flags }, { 'x-api-key': keys[caller] });

    for (const id of ['shared', 42]) {
      expect(sumOf(await as('alice', 1, START, id))).toBe(1);
      expect(await as('mallory', 100, {}, id)).toMatchObject({ status: INVALID[wire], message: noStart(id, 'sum') });
      expect(await as('mallory', 100, END, id)).toMatchObject({ status: INVALID[wire], message: noStart(id, 'sum') });
      expect(sumOf(await as('mallory', 100, START, id))).toBe(100);
      expect(sumOf(await as('alice', 2, {}, id))).toBe(3);
      expect(sumOf(await as('mallory', 100, END, id))).toBe(200);
      expect(sumOf(await as('alice', 3, END, id))).toBe(6);
    }
  });
});

it('F60: the messages of a stream keep the order of their sequences', async () => {
  const stream = server().grpc.duplex('ModelStreamInfer');
  for (const [index, flags] of [START, {}, {}, END].entries()) {
    for (const id of [3_001, 3_002]) {
      stream.write(messageOf('sum', id + index, { sequence_id: id, ...flags }, `${id}-${index}`));
    }
  }
  stream.end();
  const sums: Record<string, number> = {};
  for await (const reply of stream) {
    const { infer_response: answer } = reply as { infer_response: { id: string; raw_output_contents: Buffer[] } };
    sums[answer.id] = answer.raw_output_contents[0]?.readInt32LE() ?? Number.NaN;
  }
  const expected = [3_001, 3_002].flatMap((id) =>
    [id, 2 * id + 1, 3 * id + 3, 4 * id + 6].map((sum, index) => [`${id}-${index}`, sum] as const),
  );
  expect(sums).toEqual(Object.fromEntries(expected));
});

it('F60: a model that could not keep its state ends the start', async () => {
  const both = defineModel('both', value, ({ x }) => ({ sum: x }), {}, { sequence: {}, cache: true });
  await expect(serve([both])).rejects.toThrow("is behind @Model('both') with sequence, but also with cache");
});

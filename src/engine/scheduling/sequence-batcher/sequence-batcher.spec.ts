import { afterEach, describe, expect, it, vi } from 'vitest';
import { fp32, type InferContext, type SequenceContext } from '#core';
import { handleOf, requestOf } from '../../../../test/support/engine.js';
import { FakeExecutor } from '../../../../test/support/fake-executor.js';
import type { ParameterValue } from '../../../core/inference/parameters.js';
import type { InferenceResponse } from '../../../core/inference/response.js';
import type { QueueOptions, SequenceBatching } from '../../../core/model/scheduling.js';
import { FakeInferenceCall } from '../../../testing/fake-inference-call.js';
import { Lane } from './lane.js';
import { Slots } from './slots.js';

const settled = (): Promise<void> => new Promise(setImmediate);

const START = { sequence_start: true };
const END = { sequence_end: true };
const BOTH = { ...START, ...END };

/** A model that is written in code, whose runs end when the test says so. */
function start(
  sequence: SequenceBatching = {},
  { queue = {}, instances = 4 }: { queue?: QueueOptions; instances?: number } = {},
) {
  const executor = new FakeExecutor(instances);
  const { scheduler } = handleOf({ executor, queue, scheduling: { sequence: { strategy: 'oldest', ...sequence } } });
  /** The id of a request is its number among all. */
  let sent = 0;
  const send = (
    id: number | string,
    parameters: Readonly<Record<string, ParameterValue>> = {},
    call = new FakeInferenceCall(),
  ): Promise<InferenceResponse> => {
    const told = new Map<string, ParameterValue>(Object.entries({ sequence_id: id, ...parameters }));
    const result = scheduler.enqueue(requestOf({ id: String(sent++), parameters: told }), call);
    result.catch(() => undefined);
    return result;
  };
  const contexts = () => executor.runs.map(({ context }) => context as InferContext & { sequence: SequenceContext });
  const ran = () => contexts().map(({ id }) => id);
  const finish = async (index: number) => {
    executor.runs[index]?.finish();
    await settled();
  };
  return { executor, scheduler, send, contexts, ran, finish };
}

const noStart = (id: number | string) => ({
  code: 'invalid-argument',
  message: `inference request for sequence ${id} to model 'm' must specify the START flag on the first request of the sequence`,
});

afterEach(() => {
  vi.useRealTimers();
});

describe('the requests of a sequence', () => {
  it('run one at a time, in the order in which they came, beside those of others', async () => {
    const { send, ran, finish } = start();
    const results = [send(1, START), send(1), send(2, START), send(1, END)];
    expect(ran()).toEqual(['0', '2']);
    await finish(0);
    expect(ran()).toEqual(['0', '2', '1']);
    await finish(1);
    expect(ran()).toEqual(['0', '2', '1']);
    await finish(2);
    await finish(3);
    expect(ran()).toEqual(['0', '2', '1', '3']);
    expect((await Promise.all(results)).map(({ id }) => id)).toEqual(['0', '1', '2', '3']);
  });

  it('wait for an instance like all others', async () => {
    const { send, ran, finish } = start({}, { instances: 1 });
    const results = [send(1, START), send(2, START), send(3, START)];
    expect(ran()).toEqual(['0']);
    for (const index of [0, 1, 2]) await finish(index);
    await Promise.all(results);
    expect(ran()).toEqual(['0', '1', '2']);
  });

  it('share a state, which no other sequence sees', async () => {
    const { send, contexts, finish } = start();
    const results = [send('a', START), send(7, START), send('a', END)];
    const [first, other] = contexts();
    first?.sequence.state.set('sum', 1);
    for (const index of [0, 1, 2]) await finish(index);
    await Promise.all(results);
    expect(first?.sequence).toMatchObject({ id: 'a', start: true, end: false });
    expect(other?.sequence).toEqual({ id: 7, start: true, end: false, state: new Map() });
    expect(contexts()[2]?.sequence).toEqual({ id: 'a', start: false, end: true, state: new Map([['sum', 1]]) });
  });

  it('wait until the one before has ended, though its caller is gone', async () => {
    const { send, ran, finish } = start();
    await Promise.all([send(1, START), finish(0)]);
    const gone = new FakeInferenceCall();
    const second = send(1, {}, gone);
    const third = send(1);
    gone.abort();
    await expect(second).rejects.toMatchObject({ code: 'cancelled' });
    await settled();
    expect(ran()).toEqual(['0', '1']);
    await finish(1);
    await finish(2);
    expect((await third).id).toBe('2');
  });

  it('count the time behind the one before', async () => {
    const { send, finish } = start();
    const call = new FakeInferenceCall();
    const results = [send(1, START), send(1, {}, call)];
    await settled();
    await finish(0);
    await finish(1);
    await Promise.all(results);
    expect(call.timings.queueNs).toBeGreaterThan(0);
    expect(call.timings.computeNs).toBeGreaterThan(0);
  });

  it('go on when one of them fails, from where they were', async () => {
    const { send, executor, finish } = start();
    await Promise.all([send(1, START), finish(0)]);
    const failing = send(1);
    const last = send(1);
    executor.runs[1]?.fail(new Error('broken'));
    await expect(failing).rejects.toMatchObject({ code: 'internal' });
    await settled();
    await finish(2);
    expect((await last).id).toBe('2');
  });

  it('can be of a model that answers at once', async () => {
    const model = {
      infer: (_: object, context: object) => {
        const { sequence } = context as { sequence: SequenceContext };
        const count = Number(sequence.state.get('count') ?? 0) + 1;
        sequence.state.set('count', count);
        return { y: fp32.of([1], [count]) };
      },
    };
    const { scheduler } = handleOf({ model, scheduling: { sequence: { strategy: 'oldest' } } });
    const send = (parameters: object) =>
      scheduler.enqueue(
        requestOf({ parameters: new Map(Object.entries({ sequence_id: 1, ...parameters })) }),
        new FakeInferenceCall(),
      );
    const responses = await Promise.all([send(START), send({}), send(END)]);
    expect(responses.map(({ outputs: [y] }) => Array.from(y?.tensor.data as Float32Array))).toEqual([[1], [2], [3]]);
    expect(scheduler.inFlight).toBe(0);
    await scheduler.stop('is served');
  });
});

describe('the first request', () => {
  it('has START', async () => {
    const { send } = start();
    await expect(send(42)).rejects.toMatchObject(noStart(42));
    await expect(send('forty-two')).rejects.toMatchObject(noStart('forty-two'));
  });

  it('comes again after the last one', async () => {
    const { send, ran, finish } = start();
    const results = [send(1, START), send(1, END)];
    await expect(send(1)).rejects.toMatchObject(noStart(1));
    await finish(0);
    await finish(1);
    await Promise.all(results);
    await expect(send(1)).rejects.toMatchObject(noStart(1));
    const again = send(1, START);
    expect(ran()).toEqual(['0', '1', '4']);
    await finish(2);
    await again;
  });

  it('begins anew where a sequence runs, behind what it has left', async () => {
    const { send, contexts, finish, ran } = start();
    const results = [send(1, START), send(1), send(1, START), send(1)];
    contexts()[0]?.sequence.state.set('sum', 1);
    for (const index of [0, 1, 2, 3]) await finish(index);
    await Promise.all(results);
    expect(ran()).toEqual(['0', '1', '2', '3']);
    expect(contexts().map(({ sequence }) => sequence.state.get('sum'))).toEqual([1, 1, undefined, undefined]);
  });

  it('must succeed', async () => {
    const { send, executor, ran, finish } = start();
    const results = [send(1, START), send(1)];
    executor.runs[0]?.fail(new Error('broken'));
    await expect(results[0]).rejects.toMatchObject({ code: 'internal' });
    await expect(results[1]).rejects.toMatchObject(noStart(1));
    await expect(send(1)).rejects.toMatchObject(noStart(1));
    expect(ran()).toEqual(['0']);
    const again = send(1, START);
    await finish(1);
    await again;
  });

  it('takes its sequence along when its caller goes before its turn', async () => {
    const { send, ran, finish } = start();
    const running = send(1, START);
    const gone = new FakeInferenceCall();
    const others = [send(1, START, gone), send(1)];
    gone.abort();
    await expect(others[0]).rejects.toMatchObject({ code: 'cancelled' });
    await finish(0);
    await running;
    await expect(others[1]).rejects.toMatchObject(noStart(1));
    expect(ran()).toEqual(['0']);
  });
});

describe('a slot', () => {
  it('is had until the end; the others wait in the order of their first requests', async () => {
    const { send, ran, finish } = start({ maxSequences: 1 });
    const results = [send(1, START), send(2, START), send(3, BOTH), send(2, END), send(1, END)];
    expect(ran()).toEqual(['0']);
    for (const index of [0, 1, 2, 3, 4]) await finish(index);
    await Promise.all(results);
    expect(ran()).toEqual(['0', '4', '1', '3', '2']);
  });

  it('goes to the backlog before the next sequence of the same id', async () => {
    const { send, ran, finish } = start({ maxSequences: 1 });
    const results = [send(1, BOTH), send(1, BOTH), send(2, BOTH), send(1, BOTH)];
    for (const index of [0, 1, 2, 3]) await finish(index);
    await Promise.all(results);
    expect(ran()).toEqual(['0', '2', '1', '3']);
  });

  it('is one for each instance and row of a direct model', async () => {
    const executor = new FakeExecutor(2);
    const { scheduler } = handleOf({ executor, scheduling: { sequence: {} } });
    const parameters = (id: number) =>
      new Map<string, ParameterValue>([
        ['sequence_id', id],
        ['sequence_start', true],
      ]);
    const results = [1, 2, 3].map((id) =>
      scheduler.enqueue(requestOf({ parameters: parameters(id) }), new FakeInferenceCall()),
    );
    results[2]?.catch(() => undefined);
    for (const run of executor.runs.slice(0, 2)) run.finish();
    await Promise.all(results.slice(0, 2));
    await settled();
    expect([executor.free, executor.runs.length, scheduler.inFlight]).toEqual([2, 2, 1]);
    await scheduler.stop('is refused');
  });

  it('F60: is free again when its sequence is silent for too long, and the sequence forgotten', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { send, ran, finish } = start({ maxSequences: 1, idleMs: 50 });
    const first = send(1, START);
    const second = send(2, START);
    vi.advanceTimersByTime(60);
    expect(ran()).toEqual(['0']);
    await finish(0);
    await first;
    vi.advanceTimersByTime(40);
    const third = send(1);
    await finish(1);
    await third;
    vi.advanceTimersByTime(49);
    expect(ran()).toEqual(['0', '2']);
    vi.advanceTimersByTime(1);
    expect(ran()).toEqual(['0', '2', '1']);
    await finish(2);
    await second;
    await expect(send(1)).rejects.toMatchObject(noStart(1));
  });

  it('is kept for as long as no timer can count', async () => {
    const { send, finish } = start({ idleMs: 2 ** 40 });
    await Promise.all([send(1, START), finish(0)]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const next = send(1, END);
    await finish(1);
    await next;
  });

  it('is free when all the requests of its sequence have gone', async () => {
    const { send, ran, finish } = start({ maxSequences: 1 });
    const calls = [new FakeInferenceCall(), new FakeInferenceCall()];
    const results = [send(1, START, calls[0]), send(2, START, calls[1]), send(3, START)];
    calls[1]?.abort();
    calls[0]?.abort();
    await expect(results[1]).rejects.toMatchObject({ code: 'cancelled' });
    await settled();
    expect(ran()).toEqual(['0']);
    await finish(0);
    expect(ran()).toEqual(['0', '2']);
    await finish(1);
    await results[2];
  });

  it('is not kept for a sequence whose requests have all left the backlog', async () => {
    const { send, ran, finish } = start({ maxSequences: 1 });
    const gone = new FakeInferenceCall();
    const results = [send(1, BOTH), send(2, BOTH, gone), send(3, BOTH)];
    gone.abort();
    results[1] = send(2, BOTH);
    for (const index of [0, 1, 2]) await finish(index);
    await Promise.all(results);
    expect(ran()).toEqual(['0', '2', '3']);
  });
});

describe('the queue', () => {
  it('F60: lets a sequence wait in the backlog for so long, and then drops all of it', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { send, ran, finish } = start({ maxSequences: 1, idleMs: 10_000 }, { queue: { timeoutMs: 50 } });
    const first = send(1, START);
    const dropped = [send(2, START), send(2)];
    vi.advanceTimersByTime(30);
    const other = send(3, BOTH);
    dropped.push(send(2, END), send(2, BOTH));
    vi.advanceTimersByTime(20);
    const timeout = { code: 'unavailable', message: 'timeout of the corresponding sequence has been expired' };
    for (const result of dropped.slice(0, 3)) await expect(result).rejects.toMatchObject(timeout);
    const last = send(1, END);
    await finish(0);
    await finish(1);
    await finish(2);
    await finish(3);
    await Promise.all([first, last, other, dropped[3]]);
    expect(ran()).toEqual(['0', '6', '5', '3']);
  });

  it('F60: of a sequence that was dropped, nothing goes on', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { send } = start({ maxSequences: 1 }, { queue: { timeoutMs: 50 } });
    send(1, START).catch(() => undefined);
    const dropped = send(2, START);
    vi.advanceTimersByTime(50);
    await expect(dropped).rejects.toMatchObject({ code: 'unavailable' });
    await expect(send(2)).rejects.toMatchObject(noStart(2));
  });

  it('refuses one request alone that waits for too long in a slot', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { send, ran, finish } = start({}, { queue: { timeoutMs: 50 } });
    const first = send(1, START);
    const late = send(1);
    vi.advanceTimersByTime(30);
    const third = send(1);
    vi.advanceTimersByTime(30);
    await expect(late).rejects.toMatchObject({ code: 'unavailable', message: 'Request timeout expired' });
    await finish(0);
    await finish(1);
    await Promise.all([first, third]);
    expect(ran()).toEqual(['0', '2']);
  });

  it('F58: refuses at once what exceeds it, and nothing that need not wait', async () => {
    const { send, ran, finish } = start({ maxSequences: 2 }, { queue: { maxSize: 1 } });
    const first = [send(1, START), send(1)];
    await expect(send(1, START)).rejects.toMatchObject({ code: 'unavailable', message: 'Exceeds maximum queue size' });
    const second = send(2, START);
    await expect(send(3, START)).rejects.toMatchObject({ code: 'unavailable' });
    for (const index of [0, 1, 2]) await finish(index);
    await Promise.all([...first, second]);
    const next = send(1);
    await finish(3);
    expect((await next).id).toBe('5');
    expect(ran()).toEqual(['0', '3', '1', '5']);
  });

  it('takes nobody who has gone already', async () => {
    const { send, ran, finish } = start();
    const first = send(1, START);
    const gone = new FakeInferenceCall();
    gone.abort();
    await expect(send(1, START, gone)).rejects.toMatchObject({ code: 'cancelled' });
    const next = send(1);
    await finish(0);
    await finish(1);
    await Promise.all([first, next]);
    expect(ran()).toEqual(['0', '2']);
  });
});

it('A70: a sequence belongs to its caller', async () => {
  const { send, contexts, finish } = start();
  const callOf = (name: string) => Object.assign(new FakeInferenceCall(), { principal: { name, roles: [] } });
  const results = [send(1, START, callOf('alice')), send(1, START, callOf('bob')), send(1, {}, callOf('bob'))];
  await expect(send(1, {}, callOf('eve'))).rejects.toMatchObject(noStart(1));
  const [alice, bob] = contexts();
  alice?.sequence.state.set('secret', 'of alice');
  bob?.sequence.state.set('secret', 'of bob');
  for (const index of [0, 1, 2]) await finish(index);
  await Promise.all(results);
  expect(contexts()[2]?.sequence.state.get('secret')).toBe('of bob');
});

describe('when it stops', () => {
  it('serves what waits, and drops what has not ended', async () => {
    const { send, scheduler, ran, finish } = start({ maxSequences: 1, idleMs: 60_000 });
    const results = [send(1, START), send(2, START), send(1)];
    const stopped = scheduler.stop('is served');
    await expect(send(1)).rejects.toMatchObject({ code: 'unavailable' });
    for (const index of [0, 1, 2]) await finish(index);
    await Promise.all(results);
    expect(ran()).toEqual(['0', '2', '1']);
    await stopped;
    expect(scheduler.inFlight).toBe(0);
  });

  it('gives the slots of silent sequences to what waits, and no longer watches them', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { send, scheduler, finish } = start({ maxSequences: 1, idleMs: 60_000 });
    const first = send(1, START);
    const waiting = send(2, START);
    await finish(0);
    await first;
    const stopped = scheduler.stop('is served');
    await finish(1);
    await waiting;
    await stopped;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('refuses what waits, and lets finish what runs', async () => {
    const { send, scheduler, ran, finish } = start({ maxSequences: 2 }, { instances: 1 });
    const [running, behind, admitted, backlog] = [send(1, START), send(1), send(2, START), send(3, START)];
    const stopped = scheduler.stop('is refused');
    for (const result of [behind, admitted, backlog]) {
      await expect(result).rejects.toMatchObject({
        code: 'unavailable',
        message: 'the model is being unloaded and takes no more requests',
      });
    }
    await finish(0);
    await running;
    await stopped;
    expect(ran()).toEqual(['0']);
  });
});

it('releases its model when the last run has ended, though its caller is gone', async () => {
  const [executor, events] = [new FakeExecutor(), [] as string[]];
  const model = { unload: () => void events.push('unloaded') };
  const handle = handleOf({ executor, model, scheduling: { sequence: {} } });
  const parameters = new Map<string, ParameterValue>([
    ['sequence_id', 1],
    ['sequence_start', true],
  ]);
  const gone = new FakeInferenceCall();
  const result = handle.scheduler.enqueue(requestOf({ parameters }), gone);
  gone.abort();
  await expect(result).rejects.toMatchObject({ code: 'cancelled' });
  const released = handle.release('is served', new AbortController().signal);
  await settled();
  events.push('ended');
  executor.runs[0]?.finish();
  await released;
  expect(events).toEqual(['ended', 'unloaded']);
});

it('refuses while the model is out of order, and goes on with what has begun', async () => {
  const { executor, send, finish, ran } = start({ maxSequences: 2 });
  await Promise.all([send(1, START), finish(0)]);
  const results = [send(2, START), send(2), send(3, START)];
  executor.breakDown('its worker thread has ended');
  const outage = { code: 'unavailable', message: "model 'm' is not ready: its worker thread has ended" };
  for (const result of [...results.slice(1), send(1)]) await expect(result).rejects.toMatchObject(outage);
  executor.breakDown(undefined);
  await finish(1);
  await results[0];
  const next = [send(4, BOTH), send(3, BOTH), send(1, END)];
  for (const index of [2, 3, 4]) await finish(index);
  await Promise.all(next);
  expect(ran()).toEqual(['0', '1', '7', '5', '6']);
});

it('streams nothing', () => {
  expect(() => start().scheduler.stream(requestOf(), new FakeInferenceCall())).toThrow('takes sequences');
});

it('gives each slot that comes free to the first of the backlog, which a lane that gives way joins at its end', () => {
  const admitted: string[] = [];
  const slots = new Slots(2, ({ key }) => admitted.push(key));
  const lanes = ['a', 'b', 'c', 'd'].map((key) => new Lane(key));
  const [a, b, c, d] = lanes as [Lane, Lane, Lane, Lane];
  for (const lane of lanes) slots.enter(lane);
  const taken = () => lanes.map(({ slot }) => slot);
  expect(taken()).toEqual([0, 1, undefined, undefined]);
  slots.leave(a);
  slots.enter(a);
  expect(taken()).toEqual([undefined, 1, 0, undefined]);
  slots.leave(b);
  expect(taken()).toEqual([undefined, undefined, 0, 1]);
  slots.leave(d);
  slots.leave(c);
  expect(taken()).toEqual([1, undefined, undefined, undefined]);
  expect(admitted).toEqual(['c', 'd', 'a']);
});

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { requestOf } from '../../../../test/support/engine.js';
import type { QueueOptions } from '../../../core/model/scheduling.js';
import { FakeInferenceCall } from '../../../testing/fake-inference-call.js';
import { RequestQueue, type WaitingRequest } from './request-queue.js';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

class Waiting implements WaitingRequest {
  readonly call = new FakeInferenceCall();
  readonly request;
  readonly admit = vi.fn();
  readonly refuse = vi.fn<(reason: Error) => void>();

  constructor(
    readonly name: string,
    parameters: Record<string, number | bigint | string> = {},
  ) {
    this.request = requestOf({ parameters: new Map(Object.entries(parameters)) });
  }

  get refusal(): string | undefined {
    return this.refuse.mock.calls[0]?.[0].message;
  }
}

const names = (queue: RequestQueue, count = Infinity): string[] =>
  queue.front(count).map((entry) => (entry as Waiting).name);

function queueOf(options: QueueOptions, ...entries: readonly Waiting[]): RequestQueue {
  const queue = new RequestQueue(options);
  for (const entry of entries) queue.add(entry);
  return queue;
}

it('serves in the order of arrival, whoever leaves in between', () => {
  const gone = new Waiting('b');
  const queue = queueOf({}, new Waiting('a'), gone, new Waiting('c'));
  gone.call.abort();
  expect(gone.refusal).toBe('the call was cancelled by the client');
  expect(names(queue)).toEqual(['a', 'c']);
  expect(names(queue, 1)).toEqual(['a']);
  while (queue.head !== undefined) queue.take(queue.head);
  expect(queue.size).toBe(0);
});

it('takes in nobody who is gone already', () => {
  const gone = new Waiting('a');
  gone.call.abort();
  const queue = new RequestQueue();
  expect(() => queue.add(gone)).toThrow('cancelled');
  expect(queue.size).toBe(0);
});

describe('priorities', () => {
  const options = { priorityLevels: 3, defaultPriority: 2 };

  it('come first by their number, with the default for those without one, or out of range', () => {
    const queue = queueOf(
      options,
      new Waiting('low', { priority: 3 }),
      new Waiting('none'),
      new Waiting('beyond', { priority: 9n }),
      new Waiting('zero', { priority: 0 }),
      new Waiting('high', { priority: 1n }),
    );
    expect(names(queue)).toEqual(['high', 'none', 'beyond', 'zero', 'low']);
  });

  it('are the last one by default', () => {
    const queue = queueOf({ priorityLevels: 3 }, new Waiting('none'), new Waiting('two', { priority: 2 }));
    expect(names(queue)).toEqual(['two', 'none']);
  });

  it('mean nothing to a model without', () => {
    expect(names(queueOf({}, new Waiting('a', { priority: 3 }), new Waiting('b', { priority: 1 })))).toEqual([
      'a',
      'b',
    ]);
  });

  it.each([{ priority: 'high' }, { timeout: 'soon' }, { priority: -1 }, { priority: 1.5 }])(
    'refuse %j',
    (parameters) => {
      expect(() => queueOf(options, new Waiting('a', parameters))).toThrow(
        expect.objectContaining({
          code: 'invalid-argument',
          message: `invalid value type for '${Object.keys(parameters)[0]}' parameter, expected int64_param or uint64_param.`,
        }),
      );
    },
  );

  it('have bounds of their own', () => {
    const queue = queueOf(
      { ...options, maxSize: 1, policies: { 1: { maxSize: 2 } } },
      new Waiting('a', { priority: 1 }),
      new Waiting('b', { priority: 1 }),
      new Waiting('c', { priority: 2 }),
    );
    expect(() => queue.add(new Waiting('d', { priority: 1 }))).toThrow('Exceeds maximum queue size');
    expect(() => queue.add(new Waiting('e', { priority: 2 }))).toThrow('Exceeds maximum queue size');
    queue.add(new Waiting('f', { priority: 3 }));
    expect(names(queue)).toEqual(['a', 'b', 'c', 'f']);
  });
});

describe('a request that waits too long', () => {
  it('is refused', () => {
    const late = new Waiting('a');
    const queue = queueOf({ timeoutMs: 50 }, late);
    vi.advanceTimersByTime(49);
    expect(late.refuse).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(late.refusal).toBe('Request timeout expired');
    expect(queue.size).toBe(0);
  });

  it('comes last of its priority where the policy says so, and counts for the bound', () => {
    const queue = queueOf({ timeoutMs: 50, onTimeout: 'delay', maxSize: 2 }, new Waiting('a'));
    vi.advanceTimersByTime(50);
    queue.add(new Waiting('b'));
    expect(names(queue)).toEqual(['b', 'a']);
    expect(names(queue, 1)).toEqual(['b']);
    expect(() => queue.add(new Waiting('c'))).toThrow('Exceeds maximum queue size');
    const [, last] = queue.front(2);
    (last as Waiting).call.abort();
    expect(names(queue)).toEqual(['b']);
  });

  it.each([
    ['shortens its time', { allowTimeoutOverride: true, timeoutMs: 1_000 }, 100_000, 100],
    ['cannot lengthen its time', { allowTimeoutOverride: true, timeoutMs: 1_000 }, 10_000_000, 1_000],
    ['has no say without leave', { timeoutMs: 1_000 }, 100_000, 1_000],
  ])('%s', (_, options, timeout, expected) => {
    const late = new Waiting('a', { timeout });
    queueOf(options, late);
    vi.advanceTimersByTime(expected - 1);
    expect(late.refuse).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(late.refuse).toHaveBeenCalledOnce();
  });

  it('waits for ever in a queue without a limit, whatever it asks for', () => {
    const patient = new Waiting('a', { timeout: 1_000 });
    queueOf({ allowTimeoutOverride: true }, patient);
    vi.advanceTimersByTime(3_600_000);
    expect(patient.refuse).not.toHaveBeenCalled();
  });

  it('keeps no timer once it was served', () => {
    const served = new Waiting('a');
    const queue = queueOf({ timeoutMs: 50 }, served);
    queue.take(served);
    expect(vi.getTimerCount()).toBe(0);
    served.call.abort();
    expect(served.refuse).not.toHaveBeenCalled();
  });
});

it('refuses all at once', () => {
  const entries = [new Waiting('a'), new Waiting('b', { priority: 1 }), new Waiting('c'), new Waiting('d')];
  const queue = queueOf({ priorityLevels: 2 }, ...entries);
  queue.refuseAll(() => new Error('closed'));
  expect([queue.size, ...entries.map(({ refusal }) => refusal)]).toEqual([0, ...entries.map(() => 'closed')]);
});

it('holds what was added and has not left, in the order of priority and arrival', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), priority: fc.integer({ min: 0, max: 4 }) }),
    fc.record({ kind: fc.constantFrom('take', 'abort'), at: fc.nat(20) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new RequestQueue({ priorityLevels: 3, defaultPriority: 2 });
      let model: { entry: Waiting; level: number }[] = [];
      for (const [index, action] of steps.entries()) {
        if ('priority' in action) {
          const entry = new Waiting(String(index), { priority: action.priority });
          queue.add(entry);
          model.push({ entry, level: action.priority >= 1 && action.priority <= 3 ? action.priority : 2 });
        } else {
          const chosen = model[action.at % Math.max(1, model.length)];
          if (chosen === undefined) continue;
          if (action.kind === 'take') queue.take(chosen.entry);
          else chosen.entry.call.abort();
          model = model.filter((other) => other !== chosen);
        }
        const expected = model.toSorted((a, b) => a.level - b.level).map(({ entry }) => entry.name);
        expect(names(queue)).toEqual(expected);
        expect([queue.size, (queue.head as Waiting | undefined)?.name]).toEqual([expected.length, expected[0]]);
      }
    }),
  );
});

import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { EMPTY, NEVER, of } from 'rxjs';
import { fp32, fp64, int32, ServingError, signature, type Tensor } from '#core';
import { defineModel, serve } from '#testing';
import { captureLog } from '../support/captured-log.js';
import { inferOver, onlyOutput, type SentInference, WIRES } from '../support/wires.js';
import { expectService, Probe, surviving } from './survives.js';

/** F48 and F49: models that fail, in every way that a function has, or that return what their signature forbids. */

const echo = signature({ inputs: { x: fp32(-1) }, outputs: { y: fp32(-1) } });

/** What a caller must never read. */
const SECRET = 'postgres://root:hunter2@10.0.0.1';

const misbehaving = (name: string, infer: (x: Tensor<'FP32'>) => unknown) =>
  defineModel(name, echo, ({ x }) => infer(x) as never);

const rejecting = (reason: unknown): Promise<never> => Promise.reject(reason);

/** A promise of another realm, which is no `Promise` here; those of query builders are none either. */
const foreignPromise = runInNewContext('(result) => Promise.resolve(result)') as (result: unknown) => unknown;

class Poison {
  get message(): string {
    throw new Error(SECRET);
  }
  toString(): string {
    throw new Error(SECRET);
  }
}

const FAILING: Readonly<Record<string, () => unknown>> = {
  throws_sync() {
    throw new Error(SECRET);
  },
  throws_text() {
    throw SECRET as unknown as Error;
  },
  throws_null() {
    throw null as unknown as Error;
  },
  throws_undefined() {
    throw undefined as unknown as Error;
  },
  throws_symbol() {
    throw Symbol(SECRET) as unknown as Error;
  },
  throws_object() {
    throw { code: 3, details: SECRET, message: SECRET, status: 200 } as unknown as Error;
  },
  throws_poison() {
    throw new Poison() as unknown as Error;
  },
  throws_frozen() {
    throw Object.freeze(new Error(SECRET));
  },
  throws_circular() {
    const error: Error & { self?: unknown } = new Error(SECRET);
    error.self = error;
    throw error;
  },
  overflows: () => FAILING['overflows']?.(),
  rejects: () => rejecting(new Error(SECRET)),
  rejects_text: () => rejecting(SECRET),
  rejects_null: () => rejecting(null),
  rejects_undefined: () => rejecting(undefined),
  rejects_late: async () => {
    await Promise.resolve();
    throw new Error(SECRET);
  },
};

const output = (x: Tensor<'FP32'>, extra: object = {}): object => ({ y: x, ...extra });

/** What is returned, with what the error must name besides the model. */
const RETURNING: Readonly<Record<string, readonly [returned: (x: Tensor<'FP32'>) => unknown, culprit: RegExp]>> = {
  undefined: [() => undefined, /returned no outputs/],
  null: [() => null, /returned no outputs/],
  a_number: [() => 7, /returned no outputs/],
  a_text: [() => 'y', /returned no outputs/],
  a_function: [() => () => undefined, /returned no outputs/],
  no_output: [() => ({}), /no tensor for output 'y'/],
  an_array: [(x) => [x], /'0', which is not an output/],
  an_empty_array: [() => [], /no tensor for output 'y'/],
  a_map: [(x) => new Map([['y', x]]), /no tensor for output 'y'/],
  an_extra_output: [(x) => output(x, { z: x }), /'z', which is not an output/],
  a_number_as_output: [() => ({ y: 7 }), /no tensor for output 'y'/],
  null_as_output: [() => ({ y: null }), /no tensor for output 'y'/],
  bare_data_as_output: [(x) => ({ y: x.data }), /no tensor for output 'y'/],
  a_lookalike_as_output: [({ shape, data }) => ({ y: { datatype: 'FP32', shape, data } }), /no tensor for output 'y'/],
  an_inherited_output: [(x) => Object.create({ y: x }) as object, /no tensor for output 'y'/],
  another_datatype: [(x) => ({ y: int32.of(x.shape, new Int32Array(x.data.length)) }), /output 'y' as INT32, .* FP32/],
  a_wider_datatype: [(x) => ({ y: fp64.of(x.shape, Float64Array.from(x.data)) }), /output 'y' as FP64, .* FP32/],
  another_rank: [(x) => ({ y: fp32.of([1, x.data.length], x.data) }), /output 'y' of shape \[1,2\], .* \[-1\]/],
  a_scalar: [() => ({ y: fp32.of([], [1]) }), /output 'y' of shape \[\], .* \[-1\]/],
  a_throwing_output: [
    () => ({
      get y(): never {
        throw new Error(SECRET);
      },
    }),
    /failed to execute the request/,
  ],
  an_empty_observable: [() => EMPTY, /not an output|no tensor for output 'y'/],
  an_endless_observable: [() => NEVER, /not an output|no tensor for output 'y'/],
  an_observable_of_two: [(x) => of(output(x), output(x)), /not an output|no tensor for output 'y'/],
  a_generator: [
    function* returned(x) {
      yield output(x);
      yield output(x);
    },
    /no tensor for output 'y'/,
  ],
};

const log = captureLog();

const server = surviving([
  ...Object.entries(FAILING).map(([name, infer]) => misbehaving(name, infer)),
  ...Object.entries(RETURNING).flatMap(([name, [returned]]) => [
    misbehaving(name, returned),
    misbehaving(`async_${name}`, async (x) => Promise.resolve(returned(x))),
  ]),
  misbehaving('foreign', (x) => foreignPromise({ y: x })),
  defineModel('refuses', echo, () => {
    throw new ServingError('failed-precondition', 'the index is being rebuilt', { cause: new Error(SECRET) });
  }),
  defineModel('refuses_async', echo, async () => {
    await Promise.resolve();
    throw new ServingError('resource-exhausted', 'no tokens are left');
  }),
]);

const FAILED = { grpc: 'INTERNAL', rest: 500 } as const;

const request = (model: string): SentInference => ({
  model,
  inputs: [{ name: 'x', datatype: 'FP32', shape: [2], data: [1, 2] }],
});

describe.each(WIRES)('%s', (wire) => {
  it.each(Object.keys(FAILING))('F48: a model that %s', async (model) => {
    const { status, message } = await inferOver[wire](server(), request(model));
    expect([status, message]).toEqual([FAILED[wire], `model '${model}' failed to execute the request`]);
    // The operator reads what the caller does not.
    expect(log()).toContain(`model '${model}' failed to execute the request`);
  });

  it('F48: the log has the cause, with the id of the request', async () => {
    await inferOver[wire](server(), { ...request('throws_sync'), id: 'run-48' });
    expect(log()).toContain(SECRET);
    expect(log()).toContain('run-48');
  });

  it.each([
    ['refuses', { grpc: 'FAILED_PRECONDITION', rest: 400 }, 'the index is being rebuilt'],
    ['refuses_async', { grpc: 'RESOURCE_EXHAUSTED', rest: 429 }, 'no tokens are left'],
  ] as const)('F48: what a model %s on purpose is answered in its words', async (model, status, message) => {
    expect(await inferOver[wire](server(), request(model))).toMatchObject({ status: status[wire], message });
  });

  it('F48: a model that never settles', async () => {
    const Stuck = defineModel('stuck', echo, () => new Promise(() => undefined));
    const Ignoring = defineModel('ignoring', echo, async (_, { signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      throw new Error(SECRET);
    });
    const Foreign = misbehaving('foreign', () => foreignPromise(new Promise(() => undefined)));
    await using hurried = await serve([Stuck, Ignoring, Foreign, Probe], {
      environment: { REQUEST_TIMEOUT_MS: '100' },
    });
    const status = { grpc: 'DEADLINE_EXCEEDED', rest: 504 } as const;
    for (const model of ['stuck', 'ignoring', 'foreign']) {
      const answers = await Promise.all([1, 2, 3].map(() => inferOver[wire](hurried, request(model))));
      expect(answers.map(({ status: each, message }) => [each, message])).toEqual(
        answers.map(() => [status[wire], 'Deadline Exceeded']),
      );
    }
    await expectService(hurried);
  });

  it('F49: a model that returns what can be awaited, though it is no Promise of ours', async () => {
    expect(onlyOutput(await inferOver[wire](server(), request('foreign'))).shape).toEqual([2]);
  });

  describe.each(Object.entries(RETURNING))('%s', (name, [, culprit]) => {
    it.each([name, `async_${name}`])('F49: a model that returns %s', async (model) => {
      const { status, message } = await inferOver[wire](server(), request(model));
      expect(status).toBe(FAILED[wire]);
      expect(message).toContain(`model '${model}' `);
      expect(message).toMatch(culprit);
      expect(message).not.toContain(SECRET);
      expect(log()).toContain(message);
    });
  });
});

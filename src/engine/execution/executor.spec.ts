import { describe, expect, it } from 'vitest';
import { bytes, fp32, type InferContext, int32, type NamedTensors, ServingError, signature } from '#core';
import { handleOf, requestOf } from '../../../test/support/engine.js';
import { deadlineExceeded } from '../../core/errors/catalogue.js';
import { Deferred } from '../../testing/deferred.js';
import { FakeInferenceCall } from '../../testing/fake-inference-call.js';
import { execute } from './executor.js';

type Infer = (inputs: NamedTensors, context: InferContext) => NamedTensors | Promise<NamedTensors>;

const y = fp32.of([2], [3, 4]);

const run = (infer: Infer, call = new FakeInferenceCall(), parts: Parameters<typeof requestOf>[0] = {}) =>
  execute(handleOf({ model: { infer } }), requestOf(parts), call);

describe('the response', () => {
  it.each<[string, Infer]>([
    ['returns', () => ({ y })],
    ['promises', async () => ({ y })],
  ])('is what the model %s', async (_, infer) => {
    expect(await run(infer, new FakeInferenceCall(), { id: 'i-1' })).toEqual({
      model: 'm',
      version: '1',
      id: 'i-1',
      parameters: new Map(),
      outputs: [{ name: 'y', tensor: y }],
    });
  });

  it('carries the parameters that the model sets', async () => {
    const infer: Infer = (_, { response }) => {
      response.parameters.set('tokens', 7);
      return { y };
    };
    expect((await run(infer)).parameters).toEqual(new Map([['tokens', 7]]));
  });

  it('has no id where the request had none', async () => {
    expect((await run(() => ({ y }))).id).toBe('');
  });
});

describe('the context', () => {
  const contextOf = async (parts: Parameters<typeof requestOf>[0] = {}): Promise<InferContext> => {
    let seen: InferContext | undefined;
    await run(
      (_, context) => {
        seen = context;
        return { y };
      },
      new FakeInferenceCall(),
      parts,
    );
    if (seen === undefined) throw new Error('the model was not called');
    return seen;
  };

  it('tells which outputs are wanted, where not all are', async () => {
    expect((await contextOf()).outputs).toBeUndefined();
    expect((await contextOf({ outputs: [{ name: 'y', parameters: new Map() }] })).outputs).toEqual(['y']);
  });

  it('tells what is known of the call', async () => {
    const parameters = new Map([['p', true]]);
    expect(await contextOf({ parameters })).toMatchObject({
      id: 'r-1',
      deadline: 1_900_000_000_000,
      parameters,
      principal: { name: 'ci', roles: ['tester'] },
    });
  });

  it('has the id of the inference where it has one, else that of the call', async () => {
    expect((await contextOf({ id: 'i-1' })).id).toBe('i-1');
    expect((await contextOf()).id).toBe('r-1');
  });

  it('makes the signal of the call only when it is asked for, or waited with', async () => {
    const call = new FakeInferenceCall();
    await run(() => ({ y }), call);
    expect(call.hasSignal).toBe(false);
    await run((_, { signal }) => {
      expect(signal.aborted).toBe(false);
      return { y };
    }, call);
    expect(call.hasSignal).toBe(true);
    const waiting = new FakeInferenceCall();
    await run(async () => ({ y }), waiting);
    expect(waiting.hasSignal).toBe(true);
  });
});

describe('a caller who is gone', () => {
  it.each([
    ['cancelled', undefined],
    ['deadline-exceeded', deadlineExceeded()],
  ])('gets %s at once, whatever the model does', async (code, reason) => {
    const call = new FakeInferenceCall();
    const running = run(() => new Promise(() => undefined), call);
    call.abort(reason);
    await expect(running).rejects.toMatchObject({ code });
  });

  it('is told before the model is waited for', async () => {
    const call = new FakeInferenceCall();
    call.abort();
    await expect(run(() => new Promise(() => undefined), call)).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('leaves no failure behind that nobody handles', async () => {
    const gate = new Deferred<NamedTensors>();
    const call = new FakeInferenceCall();
    const running = run(() => gate.promise, call);
    call.abort();
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    gate.reject(new Error('too late'));
    await new Promise(setImmediate);
    const gone = run(() => Promise.reject(new Error('too late too')), call);
    await expect(gone).rejects.toMatchObject({ code: 'cancelled' });
    await new Promise(setImmediate);
  });
});

describe('a model that fails', () => {
  const thrown = new Error('secret path /srv/weights');

  it.each<[string, Infer]>([
    [
      'throws',
      () => {
        throw thrown;
      },
    ],
    ['rejects', () => Promise.reject(thrown)],
  ])('and %s is answered with a neutral text', async (_, infer) => {
    await expect(run(infer)).rejects.toMatchObject({
      code: 'internal',
      message: "model 'm' failed to execute the request",
      cause: thrown,
    });
  });

  it.each<[string, (error: Error) => Infer]>([
    [
      'throws',
      (error) => () => {
        throw error;
      },
    ],
    ['rejects with', (error) => () => Promise.reject(error)],
  ])('on purpose chooses its own error: it %s a ServingError', async (_, failing) => {
    const own = new ServingError('resource-exhausted', 'too many tokens');
    await expect(run(failing(own))).rejects.toBe(own);
  });

  it('without infer is decoupled', async () => {
    const handle = handleOf({ model: { *stream() {} } });
    await expect(execute(handle, requestOf(), new FakeInferenceCall())).rejects.toMatchObject({
      code: 'unimplemented',
      message: "ModelInfer RPC doesn't support models with decoupled transaction policy: use ModelStreamInfer for 'm'",
    });
  });
});

describe('the outputs', () => {
  const two = signature({ inputs: {}, outputs: { a: fp32(-1), b: bytes(1) } });
  const [a, b] = [fp32.of([1], [1]), bytes.of([1], ['text'])];
  const give = (result: unknown, ...requested: string[]) =>
    execute(
      handleOf({ signature: two, model: { infer: () => result as NamedTensors } }),
      requestOf({ inputs: {}, outputs: requested.map((name) => ({ name, parameters: new Map() })) }),
      new FakeInferenceCall(),
    );

  it.each([
    [[], ['a', 'b']],
    [['b'], ['b']],
    [
      ['b', 'a'],
      ['a', 'b'],
    ],
  ])('that are asked for as %j come as %j, in the order of the signature', async (requested, names) => {
    const { outputs } = await give({ b, a }, ...requested);
    expect(outputs.map(({ name }) => name)).toEqual(names);
  });

  it('that nobody wants may be left out', async () => {
    expect((await give({ b }, 'b')).outputs).toEqual([{ name: 'b', tensor: b }]);
    await expect(give({ b }, 'b', 'a')).rejects.toMatchObject({
      message: "model 'm' returned no tensor for output 'a'",
    });
  });

  it.each([
    ['nothing', undefined, "model 'm' returned no outputs"],
    ['null', null, "model 'm' returned no outputs"],
    ['text', 'text', "model 'm' returned no outputs"],
    ['one too few', { a }, "model 'm' returned no tensor for output 'b'"],
    ['one too many', { a, b, c: a }, "model 'm' returned 'c', which is not an output of its signature"],
    ['a plain array', { a: [1], b }, "model 'm' returned no tensor for output 'a'"],
    ['an inherited output', Object.create({ a, b }), "model 'm' returned no tensor for output 'a'"],
    [
      'another datatype',
      { a: int32.of([1], [1]), b },
      "model 'm' returned output 'a' as INT32, its signature says FP32",
    ],
    [
      'another shape',
      { a, b: bytes.of([2], ['x', 'y']) },
      "model 'm' returned output 'b' of shape [2], its signature says [1]",
    ],
    [
      'another rank',
      { a: fp32.of([1, 1], [1]), b },
      "model 'm' returned output 'a' of shape [1,1], its signature says [-1]",
    ],
  ])('that break the signature are an error of the model: %s', async (_, result, message) => {
    await expect(give(result)).rejects.toMatchObject({ code: 'internal', message });
    await expect(give(result, 'a', 'b')).rejects.toMatchObject({ code: 'internal', message });
  });
});

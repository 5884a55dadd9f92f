import { beforeEach, describe, expect, it, vi } from 'vitest';
import { fp32, int32, type NamedTensors, signature } from '#core';
import { type HandleParts, handleOf, requestOf } from '../../../test/support/engine.js';
import { unavailable } from '../../core/errors/catalogue.js';
import type { Exchange, InferenceStage } from '../../core/inference/stage.js';
import { Deferred } from '../../testing/deferred.js';
import { FakeInferenceCall } from '../../testing/fake-inference-call.js';
import { ModelRegistry } from '../registry/model-registry.js';
import { InferencePipeline } from './inference-pipeline.js';
import { ValidateStage } from './validate.stage.js';

let registry: ModelRegistry;

const empty = fp32.of([0], []);

beforeEach(() => {
  registry = new ModelRegistry();
});

function serve(parts: HandleParts = {}) {
  const handle = handleOf(parts);
  const known = registry.versionsOf(handle.name)?.some(({ version }) => version === handle.version) ?? false;
  if (!known) registry.set(handle.name, handle.version, { kind: 'loading' });
  registry.set(handle.name, handle.version, { kind: 'ready' }, handle);
  return handle;
}

const pipeline = (...stages: readonly InferenceStage[]) => new InferencePipeline(registry, stages);

/** Notes when the exchange goes in and when its response comes out. */
const noting = (name: string, events: string[]): InferenceStage => ({
  async run(exchange, next) {
    events.push(`${name} in`);
    const response = await next(exchange);
    events.push(`${name} out`);
    return response;
  },
});

describe('the stages', () => {
  it('run in their order around the model', async () => {
    const events: string[] = [];
    serve({
      model: {
        infer: ({ x }) => {
          events.push('model');
          return { y: x ?? empty };
        },
      },
    });
    const response = await pipeline(noting('outer', events), noting('inner', events)).run(
      requestOf({ id: 'i-1' }),
      new FakeInferenceCall(),
    );
    expect(events).toEqual(['outer in', 'inner in', 'model', 'inner out', 'outer out']);
    expect(response).toEqual({
      model: 'm',
      version: '1',
      id: 'i-1',
      parameters: new Map(),
      outputs: [{ name: 'y', tensor: fp32.of([2], [1, 2]) }],
    });
  });

  it('see the model that was found, the request and the call', async () => {
    const handle = serve();
    const seen: Exchange[] = [];
    const spy: InferenceStage = {
      run: (exchange, next) => {
        seen.push(exchange);
        return next(exchange);
      },
    };
    const [request, call] = [requestOf(), new FakeInferenceCall()];
    await pipeline(spy).run(request, call);
    expect(seen).toEqual([{ model: handle, request, call }]);
    expect(seen[0]?.model).toBe(handle);
  });

  it('may refuse, answer themselves, or change the exchange', async () => {
    const infer = vi.fn(({ x = empty }: NamedTensors) => ({ y: x }));
    serve({ model: { infer } });
    const refusing: InferenceStage = { run: () => Promise.reject(unavailable('closed')) };
    await expect(pipeline(refusing).run(requestOf(), new FakeInferenceCall())).rejects.toThrow('closed');
    const throwing: InferenceStage = {
      run: () => {
        throw unavailable('closed at once');
      },
    };
    await expect(pipeline(throwing).run(requestOf(), new FakeInferenceCall())).rejects.toThrow('closed at once');
    const answer = { model: 'm', version: '1', id: '', parameters: new Map(), outputs: [] };
    const answering: InferenceStage = { run: () => Promise.resolve(answer) };
    expect(await pipeline(answering).run(requestOf(), new FakeInferenceCall())).toBe(answer);
    expect(infer).not.toHaveBeenCalled();
    const changing: InferenceStage = {
      run: (exchange, next) => next({ ...exchange, request: requestOf({ inputs: { x: fp32.of([1], [9]) } }) }),
    };
    const { outputs } = await pipeline(changing).run(requestOf(), new FakeInferenceCall());
    expect(outputs[0]?.tensor.data).toEqual(Float32Array.of(9));
  });
});

it('refuses a model that is not there', async () => {
  await expect(pipeline().run(requestOf(), new FakeInferenceCall())).rejects.toMatchObject({ code: 'not-found' });
});

it('notes how long a request ran, which did not wait', async () => {
  const clock = vi.spyOn(performance, 'now');
  clock.mockReturnValue(10);
  const gate = new Deferred();
  serve({
    model: {
      infer: async ({ x }) => {
        await gate.promise;
        return { y: x ?? empty };
      },
    },
  });
  const call = new FakeInferenceCall();
  clock.mockReturnValueOnce(12.5);
  const running = pipeline().run(requestOf(), call);
  clock.mockReturnValue(16);
  gate.resolve();
  await running;
  clock.mockRestore();
  expect(call.timings).toEqual({ queueNs: 0, computeNs: 3_500_000 });
});

it('notes the time of a model that failed', async () => {
  const clock = vi.spyOn(performance, 'now');
  serve({ model: { infer: () => Promise.reject(new Error('broken')) } });
  const call = new FakeInferenceCall();
  clock.mockReturnValueOnce(1).mockReturnValueOnce(3);
  await expect(pipeline().run(requestOf(), call)).rejects.toMatchObject({ code: 'internal' });
  clock.mockRestore();
  expect(call.timings).toEqual({ queueNs: 0, computeNs: 2_000_000 });
});

describe('what came over a wire', () => {
  const run = (request: Parameters<InferencePipeline['run']>[0]) =>
    pipeline(new ValidateStage()).run(request, new FakeInferenceCall());

  it('is not checked again', async () => {
    const { inputs: checkedAgainst } = serve();
    const inputs = { x: int32.of([1], [1]) };
    // A wrong datatype passes: it was checked while it was decoded, or so it says.
    await expect(run(requestOf({ inputs, checkedAgainst }))).rejects.toThrow("returned output 'y' as INT32");
  });

  it('is checked again when the model was replaced since', async () => {
    const { inputs: checkedAgainst } = serve();
    const request = requestOf({ checkedAgainst });
    serve({ signature: signature({ inputs: { x: int32(-1) }, outputs: {} }) });
    await expect(run(request)).rejects.toMatchObject({
      code: 'invalid-argument',
      message: "inference input 'x' data-type is 'FP32', but model 'm' expects 'INT32'",
    });
    serve({ signature: signature({ inputs: { other: fp32(-1) }, outputs: {} }) });
    await expect(run(request)).rejects.toThrow("unexpected inference input 'x' for model 'm'");
  });
});

describe('what came from inside', () => {
  const run = (parts: Parameters<typeof requestOf>[0]) =>
    pipeline(new ValidateStage()).run(requestOf(parts), new FakeInferenceCall());
  const parameters = new Map();

  it.each([
    ['inputs', { inputs: {} }, "missing required input(s) ['x']"],
    ['datatypes', { inputs: { x: int32.of([1], [1]) } }, "data-type is 'INT32'"],
    ['shapes', { inputs: { x: fp32.of([1, 1], [1]) } }, 'Expected [-1], got [1,1]'],
    ['outputs', { outputs: [{ name: 'z', parameters }] }, "unexpected inference output 'z' for model 'm'"],
  ])('has its %s checked', async (_, parts, message) => {
    serve();
    await expect(run(parts)).rejects.toThrow(
      expect.objectContaining({ code: 'invalid-argument', message: expect.stringContaining(message) }),
    );
  });
});

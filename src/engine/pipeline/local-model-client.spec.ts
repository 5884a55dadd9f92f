import { beforeEach, describe, expect, it } from 'vitest';
import { fp32, type InferContext, int32, type Inputs, ModelClient, optional, signature } from '#core';
import { handleOf, vector } from '../../../test/support/engine.js';
import { deadlineExceeded } from '../../core/errors/catalogue.js';
import { Deferred } from '../../testing/deferred.js';
import { ModelRegistry } from '../registry/model-registry.js';
import { InferencePipeline } from './inference-pipeline.js';
import { LocalModelClient } from './local-model-client.js';
import { ValidateStage } from './validate.stage.js';

let registry: ModelRegistry;
let client: ModelClient;

beforeEach(() => {
  registry = new ModelRegistry();
  client = new LocalModelClient(new InferencePipeline(registry, [new ValidateStage()]), registry);
});

function serve(parts: Parameters<typeof handleOf>[0] = {}): void {
  const handle = handleOf(parts);
  registry.set(handle.name, handle.version, { kind: 'loading' });
  registry.set(handle.name, handle.version, { kind: 'ready' }, handle);
}

const x = fp32.of([2], [1, 2]);

const contextOf = (parts: Partial<InferContext> = {}): InferContext => ({
  id: 'i-1',
  signal: new AbortController().signal,
  deadline: 1_900_000_000_000,
  parameters: new Map(),
  principal: { name: 'ci', roles: [] },
  response: { parameters: new Map() },
  ...parts,
});

/** A model that keeps the context that it is called with. */
function serveKeeping(): InferContext[] {
  const contexts: InferContext[] = [];
  serve({
    model: {
      infer: async (inputs, context) => {
        contexts.push(context as InferContext);
        return { y: inputs['x'] ?? x };
      },
    },
  });
  return contexts;
}

describe('a call', () => {
  it('by name gives the outputs by name', async () => {
    serve();
    const outputs = await client.infer('m', { x });
    expect(Object.entries(outputs)).toEqual([['y', x]]);
  });

  it('by signature is typed', async () => {
    serve();
    const { y } = await client.infer({ name: 'm', signature: vector }, { x });
    expect(y.data satisfies Float32Array).toEqual(Float32Array.of(1, 2));
  });

  it('goes to the version that it names, or to the default', async () => {
    for (const version of ['1', '2']) {
      serve({ version, model: { infer: () => ({ y: fp32.of([1], [Number(version)]) }) } });
    }
    expect((await client.infer({ name: 'm', version: '1' }, { x }))['y']?.data).toEqual(Float32Array.of(1));
    expect((await client.infer({ name: 'm' }, { x }))['y']?.data).toEqual(Float32Array.of(2));
  });

  it('may leave out what is optional, in both ways of saying so', async () => {
    const lenient = signature({ inputs: { x: fp32(-1), seed: optional(int32(1)) }, outputs: { y: fp32(-1) } });
    serve({ signature: lenient });
    for (const inputs of [{ x }, { x, seed: undefined }] satisfies Inputs<typeof lenient>[]) {
      expect((await client.infer({ name: 'm', signature: lenient }, inputs)).y).toEqual(x);
    }
  });

  it('is refused as that of a remote caller is', async () => {
    serve();
    await expect(client.infer('nobody', { x })).rejects.toMatchObject({
      code: 'not-found',
      message: "Request for unknown model: 'nobody' is not found",
    });
    await expect(client.infer('m', {})).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(client.infer('m', { x: int32.of([1], [1]) })).rejects.toThrow("data-type is 'INT32'");
    // What it was given wrongly, the caller of the model that called did not write.
    await expect(client.infer('m', {})).rejects.toHaveProperty('field', undefined);
  });
});

describe('a signature that the model does not keep', () => {
  const x2 = { inputs: { x: fp32(-1) } } as const;

  it.each([
    [
      'another datatype',
      signature({ ...x2, outputs: { y: int32(-1) } }),
      "model 'm' gave FP32[2] as output 'y', the caller's signature expects INT32[-1]",
    ],
    [
      'another shape',
      signature({ ...x2, outputs: { y: fp32(3) } }),
      "model 'm' gave FP32[2] as output 'y', the caller's signature expects FP32[3]",
    ],
    [
      'another output',
      signature({ ...x2, outputs: { y: fp32(-1), z: fp32(1) } }),
      "model 'm' gave no output 'z', the caller's signature expects FP32[1]",
    ],
  ])('is a failed precondition: %s', async (_, promised, message) => {
    serve();
    await expect(client.infer({ name: 'm', signature: promised }, { x })).rejects.toMatchObject({
      code: 'failed-precondition',
      message,
    });
  });

  it('is fine where the caller wants less than there is', async () => {
    serve({
      signature: signature({ ...x2, outputs: { y: fp32(-1), z: fp32(-1) } }),
      model: { infer: () => ({ y: x, z: x }) },
    });
    await expect(client.infer({ name: 'm', signature: vector }, { x })).resolves.toBeDefined();
  });
});

describe('the context of the caller', () => {
  it('is handed on: its id, deadline, principal and signal', async () => {
    const contexts = serveKeeping();
    const context = contextOf();
    await client.infer('m', { x }, context);
    expect(contexts[0]).toMatchObject({ id: 'i-1', deadline: 1_900_000_000_000, principal: { name: 'ci', roles: [] } });
    expect(contexts[0]?.signal).toBe(context.signal);
  });

  it('keeps its parameters to itself: the called model gets those of the call', async () => {
    const contexts = serveKeeping();
    const context = contextOf({ parameters: new Map([['outer', 1]]) });
    await client.infer('m', { x }, context, { parameters: new Map([['inner', 2]]) });
    await client.infer('m', { x }, context);
    expect(contexts.map(({ parameters }) => [...parameters])).toEqual([[['inner', 2]], []]);
    contexts[0]?.response.parameters.set('p', 1);
    expect([...context.response.parameters]).toEqual([]);
  });

  it('may be missing: nobody waits, nobody has a right, nobody gives up', async () => {
    const contexts = serveKeeping();
    await client.infer('m', { x });
    expect(contexts[0]).toMatchObject({
      id: expect.stringMatching(/^[\da-f-]{36}$/),
      deadline: Infinity,
      principal: undefined,
    });
    expect(contexts[0]?.signal.aborted).toBe(false);
  });

  it('aborts the called model with the caller', async () => {
    const started = new Deferred<AbortSignal>();
    serve({
      model: {
        infer: (_, { signal }) => {
          started.resolve(signal);
          return new Promise(() => undefined);
        },
      },
    });
    const controller = new AbortController();
    const running = client.infer('m', { x }, contextOf({ signal: controller.signal }));
    const inner = await started.promise;
    controller.abort(deadlineExceeded());
    await expect(running).rejects.toMatchObject({ code: 'deadline-exceeded' });
    expect(inner.aborted).toBe(true);
  });
});

describe('the description of a model', () => {
  it('is that of the version that a call would run on', () => {
    const other = signature({ inputs: { a: int32(-1, 2) }, outputs: { b: int32(-1) } });
    serve({ version: '1', signature: other, scheduling: { maxBatchSize: 4 }, dependsOn: ['inner'] });
    serve({ version: '2', model: { async *stream() {} } });
    const first = { ...other, maxBatchSize: 4, decoupled: false, dependsOn: ['inner'] };
    const second = { ...vector, maxBatchSize: 0, decoupled: true, dependsOn: [] };
    expect(client.describe({ name: 'm', version: '1' })).toEqual(first);
    expect(client.describe({ name: 'm', version: '2' })).toEqual(second);
    expect(client.describe('m')).toEqual(second);
    registry.set('m', '2', { kind: 'unloading' });
    expect(client.describe({ name: 'm' })).toEqual(first);
  });

  it('is missing while nothing is loaded', () => {
    registry.set('m', '1', { kind: 'loading' });
    expect(client.describe('m')).toBeUndefined();
    expect(client.describe({ name: 'm', version: '1' })).toBeUndefined();
    expect(client.describe('nobody')).toBeUndefined();
    serve({ name: 'other' });
    expect(client.describe({ name: 'other', version: '2' })).toBeUndefined();
  });
});

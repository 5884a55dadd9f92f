import { Inject, Injectable, type Provider, Scope } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { fp32, type Inputs, Model, signature, type Tensor, workerThreads } from '#core';
import { vector } from '../../../test/support/engine.js';
import { defineModel } from '../../testing/define-model.js';
import { ModelOpener } from '../execution/model-opener.js';
import { ModelExplorer } from './model-explorer.js';
import { ProviderDiscovery } from './provider-discovery.js';

@Model('echo', vector)
class EchoModel {
  infer({ x }: Inputs<typeof vector>) {
    return { y: x };
  }
}

/** An application of these providers, after its models were collected. */
async function explore(
  providers: readonly Provider[],
  change: (builder: TestingModuleBuilder) => TestingModuleBuilder = (builder) => builder,
): Promise<ModelExplorer> {
  const builder = Test.createTestingModule({
    imports: [DiscoveryModule],
    providers: [ModelExplorer, ModelOpener, ProviderDiscovery, ...providers],
  });
  const app = await change(builder).compile();
  await app.init();
  return app.get(ModelExplorer);
}

/** What the versions of a model open to. */
async function instances(explorer: ModelExplorer, name = 'echo'): Promise<unknown[]> {
  const versions = (await explorer.versions(name)) ?? [];
  const context = { name, version: '1', signal: new AbortController().signal };
  return Promise.all(versions.map(async (version) => (await version.open(context)).model));
}

describe('a model', () => {
  it('is a provider behind @Model', async () => {
    const explorer = await explore([EchoModel]);
    expect(await explorer.names()).toEqual(['echo']);
    const versions = await explorer.versions('echo');
    expect(versions).toEqual([
      { version: '1', platform: 'nestjs', fingerprint: 'EchoModel', open: expect.any(Function) },
    ]);
    expect(await versions?.[0]?.open({ name: 'echo', version: '1', signal: new AbortController().signal })).toEqual({
      inputs: vector.inputs,
      outputs: vector.outputs,
      model: expect.any(EchoModel),
      scheduling: {},
    });
    expect(explorer.describe('echo')).toBe('class EchoModel');
  });

  it('tells how its requests are scheduled', async () => {
    const scheduling = { batching: { maxSize: 8 }, queue: { maxSize: 3 }, instances: 2 };
    @Model('batched', vector, scheduling)
    class BatchedModel {
      infer({ x }: { x: Tensor<'FP32'> }) {
        return { y: x };
      }
    }
    const [version] = (await (await explore([BatchedModel])).versions('batched')) ?? [];
    expect(await version?.open({ name: 'batched', version: '1', signal: new AbortController().signal })).toMatchObject({
      scheduling,
    });
  });

  it.each([
    [{ maxSize: 0 }, vector, 'whose maxSize 0 is no integer above 0'],
    [{ maxSize: 4, preferredSizes: [2, 8] }, vector, 'whose preferred size 8 is no integer from 1 to 4'],
    [{ maxSize: 4, maxDelayMs: -1 }, vector, 'whose maxDelayMs -1 is no time'],
    [
      { maxSize: 4 },
      signature({ inputs: { x: fp32(4) }, outputs: { y: fp32(-1) } }),
      "but 'x' has the shape [4]: the first dimension is the batch, write it as -1",
    ],
    [{ maxSize: 4 }, signature({ inputs: {}, outputs: { y: fp32(-1) } }), 'but has no inputs that could be merged'],
  ])('ends the start when it cannot be batched: %j', async (batching, shapes, problem) => {
    const Unbatchable = defineModel(
      'unbatchable',
      shapes as typeof vector,
      () => ({ y: fp32.of([0], []) }),
      {},
      { batching },
    );
    await expect(explore([Unbatchable])).rejects.toThrow(problem);
  });

  it('may have any number of versions', async () => {
    @Model({ name: 'echo', version: '2' }, vector)
    class SecondEcho extends EchoModel {}
    const explorer = await explore([EchoModel, SecondEcho]);
    expect((await explorer.versions('echo'))?.map(({ version }) => version)).toEqual(['1', '2']);
    expect(await instances(explorer)).toEqual([expect.any(EchoModel), expect.any(SecondEcho)]);
    expect(explorer.describe('echo')).toBe('class EchoModel, class SecondEcho');
  });

  it('is found whatever makes it', async () => {
    const made = new EchoModel();
    const token = Symbol('echo');
    for (const provider of [
      { provide: EchoModel, useClass: EchoModel },
      { provide: token, useClass: EchoModel },
      { provide: EchoModel, useFactory: () => made },
      { provide: token, useFactory: async () => made },
      { provide: EchoModel, useValue: made },
      { provide: token, useValue: made },
    ]) {
      expect(await instances(await explore([provider]))).toEqual([expect.any(EchoModel)]);
    }
  });

  it('is served once under all its names in the application', async () => {
    const alias = { provide: Symbol('alias'), useExisting: EchoModel };
    for (const providers of [
      [EchoModel, alias],
      [alias, EchoModel],
    ]) {
      expect(await instances(await explore(providers))).toEqual([expect.any(EchoModel)]);
    }
  });

  it('can be overridden in a test by any object', async () => {
    const fake = { infer: () => ({}) };
    const explorer = await explore([EchoModel], (builder) => builder.overrideProvider(EchoModel).useValue(fake));
    expect(await instances(explorer)).toEqual([fake]);
  });

  it('does not inherit the name of its base class', async () => {
    @Injectable()
    class Derived extends EchoModel {}
    expect(await (await explore([Derived])).names()).toEqual([]);
  });

  it('that nobody wrote is unknown', async () => {
    const explorer = await explore([]);
    expect(await explorer.names()).toEqual([]);
    expect(await explorer.versions('echo')).toBeUndefined();
  });
});

describe('the start fails for', () => {
  it('a class whose scope is the request', async () => {
    @Injectable({ scope: Scope.REQUEST })
    @Model('scoped', vector)
    class ScopedModel extends EchoModel {}
    await expect(explore([ScopedModel])).rejects.toThrow(
      'ScopedModel is request-scoped, or injects a provider that is, but a class behind @Model is a singleton: ' +
        'drop the scope, or read what belongs to the request from the context of the call',
    );
  });

  it('a class that injects what has the scope of the request', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Session {}
    @Model('scoped', vector)
    class InjectingModel extends EchoModel {
      constructor(@Inject(Session) readonly session: Session) {
        super();
      }
    }
    await expect(explore([Session, InjectingModel])).rejects.toThrow('InjectingModel is request-scoped, or injects');
  });

  it('a class of which each user gets another instance', async () => {
    @Injectable({ scope: Scope.TRANSIENT })
    @Model('transient', vector)
    class TransientModel extends EchoModel {}
    await expect(explore([TransientModel])).rejects.toThrow('TransientModel is transient, but a class behind @Model');
  });

  it('two classes of one name and version', async () => {
    @Model('echo', vector)
    class OtherEcho extends EchoModel {}
    await expect(explore([EchoModel, OtherEcho])).rejects.toThrow(
      "EchoModel and OtherEcho both serve model 'echo' version '1': give one of them another name, " +
        "or another version by @Model({ name: 'echo', version: '2' }, …)",
    );
  });

  it.each([
    ['takes something', (found: new (...args: never[]) => object) => found],
    ['inherits one that does', (found: new (...args: never[]) => object) => class extends found {}],
  ])('a model in worker threads whose constructor %s', async (_, derive) => {
    @Injectable()
    class Index {}
    @Injectable()
    class Taking {
      constructor(@Inject(Index) readonly index: Index) {}
      infer({ x }: Inputs<typeof vector>) {
        return { y: x };
      }
    }
    const PooledModel = derive(Taking);
    Model('pooled', vector, { execution: workerThreads({ module: import.meta.url }) })(PooledModel as never);
    Object.defineProperty(PooledModel, 'name', { value: 'PooledModel' });
    await expect(explore([Index, PooledModel])).rejects.toThrow(
      "PooledModel is behind @Model('pooled') with worker threads, where nothing can be injected: " +
        'move the dependency into load(), or drop the pool',
    );
  });

  it('a model in worker threads that injects into a property', async () => {
    @Injectable()
    class Index {}
    @Model('pooled', vector, { execution: workerThreads({ module: import.meta.url }) })
    class PooledModel extends EchoModel {
      @Inject(Index) readonly index: Index | undefined;
    }
    await expect(explore([Index, PooledModel])).rejects.toThrow('where nothing can be injected');
  });

  it('a model in worker threads whose module is not there', async () => {
    const module = new URL('./absent.js', import.meta.url).href;
    @Model('pooled', vector, { execution: workerThreads({ module }) })
    class PooledModel extends EchoModel {}
    await expect(explore([PooledModel])).rejects.toThrow(
      /^PooledModel is behind @Model\('pooled'\) with worker threads, whose module file:.*absent\.js is not there: write workerThreads\(\{ module: import\.meta\.url \}\)/,
    );
  });

  it('a model that has neither infer nor stream', async () => {
    const broken = (builder: TestingModuleBuilder) => builder.overrideProvider(EchoModel).useValue({ run: () => ({}) });
    await expect(explore([EchoModel], broken)).rejects.toThrow(
      "EchoModel is behind @Model('echo') but has no method infer or stream: add one of them",
    );
  });
});

it('takes a model that streams', async () => {
  @Model('counter', vector)
  class CounterModel {
    *stream({ x }: Inputs<typeof vector>) {
      yield { y: x };
    }
  }
  expect(await instances(await explore([CounterModel]), 'counter')).toEqual([expect.any(CounterModel)]);
});

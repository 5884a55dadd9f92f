import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LoadContext, ServableModel } from '#core';
import { fp32 } from '#core';
import { candidateOf, requestOf } from '../../../test/support/engine.js';
import { Deferred } from '../../testing/deferred.js';
import { FakeInferenceCall } from '../../testing/fake-inference-call.js';
import { Readiness } from '../lifecycle/readiness.js';
import { InferencePipeline } from '../pipeline/inference-pipeline.js';
import { QueueConfig } from '../scheduling/queue/queue.config.js';
import { ModelLoader } from './model-loader.js';
import { ModelRegistry } from './model-registry.js';
import type { VersionCandidate } from './model-source.js';

let registry: ModelRegistry;
let readiness: Readiness;
let loader: ModelLoader;
let pipeline: InferencePipeline;

beforeEach(() => {
  registry = new ModelRegistry();
  readiness = new Readiness(registry);
  readiness.begin([], true);
  loader = new ModelLoader(registry, readiness, new QueueConfig());
  pipeline = new InferencePipeline(registry, []);
});

afterEach(() => {
  vi.restoreAllMocks();
});

const load = (...candidates: readonly VersionCandidate[]): Promise<void> => loader.load('m', async () => candidates);

/** Runs one request; the answer is what the model gave for `y`, or the code of the error. */
async function infer(version = '', call = new FakeInferenceCall()): Promise<number | string> {
  try {
    const { outputs } = await pipeline.run(requestOf({ version }), call);
    return Number(outputs[0]?.tensor.data[0]);
  } catch (failure) {
    return (failure as { code: string }).code;
  }
}

const states = (): Record<string, unknown> =>
  Object.fromEntries((registry.versionsOf('m') ?? []).map(({ version, state }) => [version, state]));

const state = (): unknown => states()['1'];

/** A model that answers with a number, and notes what happens to it. */
class NumberModel implements ServableModel {
  readonly events: string[] = [];

  constructor(
    private readonly answer: number,
    private readonly gate: Promise<void> = Promise.resolve(),
  ) {}

  load(): void {
    this.events.push('load');
  }

  warmup(): void {
    this.events.push('warmup');
  }

  async infer() {
    this.events.push('infer');
    await this.gate;
    this.events.push('answer');
    return { y: fp32.of([1], [this.answer]) };
  }

  unload(): void {
    this.events.push('unload');
  }
}

describe('a load', () => {
  it('opens, loads and warms up, then serves', async () => {
    const opening = new Deferred();
    const model = new NumberModel(1);
    const loading = load(candidateOf(() => opening.promise.then(() => model)));
    await vi.waitFor(() => expect(state()).toEqual({ kind: 'loading' }));
    expect(await infer()).toBe('unavailable');
    opening.resolve();
    await loading;
    expect(model.events).toEqual(['load', 'warmup']);
    expect(state()).toEqual({ kind: 'ready' });
    expect(await infer()).toBe(1);
  });

  it('hands the model its own name and version', async () => {
    const contexts: LoadContext[] = [];
    const model = { ...echoing(7), load: (context: LoadContext) => void contexts.push(context) };
    await load(candidateOf(() => model, { version: '3' }));
    expect(contexts).toEqual([{ name: 'm', version: '3', signal: expect.any(AbortSignal) }]);
    expect(contexts[0]?.signal.aborted).toBe(false);
  });

  it('serves all versions or none', async () => {
    const good = new NumberModel(1);
    const loading = load(
      candidateOf(() => good, { version: '1' }),
      candidateOf(() => Promise.reject(new Error('no weights')), { version: '2' }),
      candidateOf(() => ({ ...echoing(3), load: () => Promise.reject(new Error('no memory')) }), { version: '3' }),
    );
    await expect(loading).rejects.toMatchObject({
      code: 'invalid-argument',
      message:
        "load failed for model 'm': version 2 is at UNAVAILABLE state: no weights; version 3 is at UNAVAILABLE state: no memory;",
    });
    expect(states()).toEqual({
      1: {
        kind: 'unavailable',
        reason:
          'not served, because version 2 is at UNAVAILABLE state: no weights; version 3 is at UNAVAILABLE state: no memory;',
      },
      2: { kind: 'unavailable', reason: 'no weights' },
      3: { kind: 'unavailable', reason: 'no memory' },
    });
    expect(good.events).toEqual(['load', 'warmup', 'unload']);
    expect(await infer()).toBe('not-found');
  });

  it('fails with whatever the model threw, and keeps it as the cause', async () => {
    const thrown = new Error('no weights');
    await expect(load(candidateOf(() => Promise.reject(thrown)))).rejects.toMatchObject({ cause: thrown });
    await expect(load(candidateOf(() => Promise.reject('just text')))).rejects.toThrow('just text');
  });

  it('fails with the error of the candidates', async () => {
    await expect(loader.load('m', () => Promise.reject(new Error('no folder')))).rejects.toThrow('no folder');
    expect(registry.versionsOf('m')).toBeUndefined();
  });

  it('of a model that cannot warm up gives back what was loaded', async () => {
    const model = Object.assign(new NumberModel(1), { warmup: () => Promise.reject(new Error('too cold')) });
    await expect(load(candidateOf(() => model))).rejects.toThrow('too cold');
    expect(model.events).toEqual(['load', 'unload']);
    expect(state()).toEqual({ kind: 'unavailable', reason: 'too cold' });
  });

  it('can be tried again after it failed', async () => {
    await expect(load(candidateOf(() => Promise.reject(new Error('no weights'))))).rejects.toThrow();
    await load(candidateOf(() => new NumberModel(1)));
    expect(state()).toEqual({ kind: 'ready' });
  });
});

describe('a reload', () => {
  it('of the same fingerprint opens nothing', async () => {
    const model = new NumberModel(1);
    const open = vi.fn(() => model);
    await load(candidateOf(open));
    await load(candidateOf(open));
    expect(open).toHaveBeenCalledTimes(1);
    expect(model.events).toEqual(['load', 'warmup']);
  });

  it('of another fingerprint serves the new version before it releases the old, whose requests finish', async () => {
    const gate = new Deferred();
    const old = new NumberModel(1, gate.promise);
    const fresh = new NumberModel(2);
    await load(candidateOf(() => old));
    const running = infer();
    await load(candidateOf(() => fresh, { fingerprint: 'f-2' }));
    expect(await infer()).toBe(2);
    expect(old.events).toEqual(['load', 'warmup', 'infer']);
    gate.resolve();
    expect(await running).toBe(1);
    await vi.waitFor(() => expect(old.events).toEqual(['load', 'warmup', 'infer', 'answer', 'unload']));
    expect(fresh.events).not.toContain('unload');
  });

  it('serves the old version all the while', async () => {
    const opening = new Deferred();
    await load(candidateOf(() => new NumberModel(1)));
    const reloading = load(candidateOf(() => opening.promise.then(() => new NumberModel(2)), { fingerprint: 'f-2' }));
    await vi.waitFor(async () => expect(await infer()).toBe(1));
    expect(state()).toEqual({ kind: 'ready' });
    opening.resolve();
    await reloading;
    expect(await infer()).toBe(2);
  });

  it('that fails keeps the old version, with the reason', async () => {
    const old = new NumberModel(1);
    await load(candidateOf(() => old));
    const reloading = load(candidateOf(() => Promise.reject(new Error('corrupt')), { fingerprint: 'f-2' }));
    await expect(reloading).rejects.toThrow("load failed for model 'm': version 1 is at UNAVAILABLE state: corrupt;");
    expect(state()).toEqual({ kind: 'ready', reason: 'corrupt' });
    expect(await infer()).toBe(1);
    expect(old.events).not.toContain('unload');
  });

  it('that fails in one version keeps the others as they were, and releases what came up', async () => {
    const [one, two, nextTwo] = [new NumberModel(1), new NumberModel(2), new NumberModel(22)];
    await load(
      candidateOf(() => one, { version: '1' }),
      candidateOf(() => two, { version: '2' }),
    );
    const reloading = load(
      candidateOf(() => one, { version: '1' }),
      candidateOf(() => nextTwo, { version: '2', fingerprint: 'f-2' }),
      candidateOf(() => Promise.reject(new Error('corrupt')), { version: '3' }),
    );
    await expect(reloading).rejects.toThrow('version 3 is at UNAVAILABLE state: corrupt;');
    expect([await infer('1'), await infer('2'), await infer('3')]).toEqual([1, 2, 'unavailable']);
    expect(states()).toMatchObject({
      1: { kind: 'ready' },
      2: { kind: 'ready', reason: /^not served/ },
      3: { reason: 'corrupt' },
    });
    expect(nextTwo.events).toEqual(['load', 'warmup', 'unload']);
    expect(two.events).not.toContain('unload');
  });

  it('of files that are as they were again forgets the reason', async () => {
    const unchanged = candidateOf(() => new NumberModel(1));
    await load(unchanged);
    await expect(
      load(candidateOf(() => Promise.reject(new Error('corrupt')), { fingerprint: 'f-2' })),
    ).rejects.toThrow();
    await load(unchanged);
    expect(state()).toEqual({ kind: 'ready' });
  });

  it('takes versions that are gone out of service, whose requests finish', async () => {
    const gate = new Deferred();
    const [one, two] = [new NumberModel(1, gate.promise), new NumberModel(2)];
    const candidates = [candidateOf(() => one, { version: '1' }), candidateOf(() => two, { version: '2' })];
    await load(...candidates);
    const running = infer('1');
    await load(...candidates.slice(1));
    expect(states()).toEqual({ 1: { kind: 'unloading' }, 2: { kind: 'ready' } });
    expect([await infer('1'), await infer()]).toEqual(['unavailable', 2]);
    gate.resolve();
    expect(await running).toBe(1);
    await vi.waitFor(() => expect(states()).toMatchObject({ 1: { kind: 'unavailable', reason: 'unloaded' } }));
    expect(one.events.at(-1)).toBe('unload');
  });

  it('takes a version back that is still on its way out', async () => {
    const gate = new Deferred();
    const both = [
      candidateOf(() => new NumberModel(1, gate.promise), { version: '1' }),
      candidateOf(() => new NumberModel(2), { version: '2' }),
    ];
    await load(...both);
    const running = infer('1');
    await load(...both.slice(1));
    const reloading = load(...both);
    gate.resolve();
    await reloading;
    expect([await running, await infer('1'), await infer('2')]).toEqual([1, 1, 2]);
  });
});

describe('an unload', () => {
  it('is accepted at once; running requests finish, and only then the model is released', async () => {
    const gate = new Deferred();
    const model = new NumberModel(1, gate.promise);
    await load(candidateOf(() => model));
    const running = infer();
    await loader.unload('m');
    expect(state()).toEqual({ kind: 'unloading' });
    expect([await infer(), await infer('1')]).toEqual(['unavailable', 'unavailable']);
    expect(model.events).not.toContain('unload');
    gate.resolve();
    expect(await running).toBe(1);
    await vi.waitFor(() => expect(state()).toEqual({ kind: 'unavailable', reason: 'unloaded' }));
    expect(model.events).toEqual(['load', 'warmup', 'infer', 'answer', 'unload']);
    expect([await infer(), await infer('1')]).toEqual(['not-found', 'unavailable']);
  });

  it('waits for a run that goes on after its caller has gone', async () => {
    const gate = new Deferred();
    const model = new NumberModel(1, gate.promise);
    await load(candidateOf(() => model));
    const call = new FakeInferenceCall();
    const running = infer('', call);
    call.abort();
    expect(await running).toBe('cancelled');
    await loader.unload('m');
    expect(state()).toEqual({ kind: 'unloading' });
    expect(model.events).toEqual(['load', 'warmup', 'infer']);
    gate.resolve();
    await vi.waitFor(() => expect(state()).toEqual({ kind: 'unavailable', reason: 'unloaded' }));
    expect(model.events).toEqual(['load', 'warmup', 'infer', 'answer', 'unload']);
  });

  it('of a model that nobody knows, or that is unloaded already, changes nothing', async () => {
    await loader.unload('m');
    expect(registry.versionsOf('m')).toBeUndefined();
    const model = new NumberModel(1);
    await load(candidateOf(() => model));
    await loader.unload('m');
    await loader.unload('m');
    expect(model.events).toEqual(['load', 'warmup', 'unload']);
  });

  it('lets the same instance be loaded again, once it has been released', async () => {
    const gate = new Deferred();
    const model = new NumberModel(1, gate.promise);
    await load(candidateOf(() => model));
    const running = infer();
    await loader.unload('m');
    const loading = load(candidateOf(() => model));
    gate.resolve();
    await Promise.all([running, loading]);
    expect(model.events).toEqual(['load', 'warmup', 'infer', 'answer', 'unload', 'load', 'warmup']);
    expect(await infer()).toBe(1);
  });

  it('gives up a load that is under way', async () => {
    const started = new Deferred<AbortSignal>();
    const model = {
      ...echoing(1),
      load: ({ signal }: LoadContext) =>
        new Promise<void>((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
          started.resolve(signal);
        }),
    };
    const loading = load(candidateOf(() => model));
    await started.promise;
    const unloading = loader.unload('m');
    await expect(loading).rejects.toThrow("model 'm' was unloaded while it was loading");
    await unloading;
    expect(registry.isReady('m')).toBe(false);
  });

  it('outlasts a load that cannot be given up, for the instance may be the same the next time', async () => {
    const [started, slow] = [new Deferred(), new Deferred()];
    const events: string[] = [];
    const model = {
      ...echoing(1),
      load: async () => {
        events.push('load');
        started.resolve();
        await slow.promise;
        events.push('loaded');
      },
      unload: () => void events.push('unload'),
    };
    const loading = load(candidateOf(() => model));
    await started.promise;
    const unloading = loader.unload('m');
    const again = load(candidateOf(() => model));
    slow.resolve();
    await Promise.all([loading, unloading, again]);
    expect(events).toEqual(['load', 'loaded', 'unload', 'load', 'loaded']);
    expect(await infer()).toBe(1);
  });

  it('logs what goes wrong in the release, and goes on', async () => {
    const failure = new Error('still mapped');
    const logged = vi.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    await load(candidateOf(() => ({ ...echoing(1), unload: () => Promise.reject(failure) })));
    await loader.unload('m');
    await vi.waitFor(() => expect(state()).toEqual({ kind: 'unavailable', reason: 'unloaded' }));
    expect(logged).toHaveBeenCalledExactlyOnceWith(
      { message: 'a model failed to unload', model: 'm', version: '1' },
      failure,
    );
    await load(candidateOf(() => echoing(2)));
    expect(await infer()).toBe(2);
  });
});

describe('readiness', () => {
  it('asks for what was loaded, until it is unloaded', async () => {
    await load(candidateOf(() => new NumberModel(1)));
    expect(readiness.ready).toBe(true);
    registry.set('m', '1', { kind: 'unloading' });
    expect(readiness.ready).toBe(false);
    await loader.unload('m');
    expect(readiness.ready).toBe(true);
  });

  it('does not ask for what could not be loaded', async () => {
    await expect(load(candidateOf(() => Promise.reject(new Error('corrupt'))))).rejects.toThrow();
    expect(readiness.ready).toBe(true);
  });

  it('follows the last of a load and an unload that come at once', async () => {
    await Promise.all([load(candidateOf(() => new NumberModel(1))), loader.unload('m')]);
    expect(readiness.ready).toBe(true);
    await Promise.all([loader.unload('m'), load(candidateOf(() => new NumberModel(1)))]);
    expect([readiness.ready, registry.isReady('m')]).toEqual([true, true]);
  });
});

describe('the shutdown', () => {
  it('unloads every model', async () => {
    const models = [new NumberModel(1), new NumberModel(2)];
    await loader.load('a', async () => [candidateOf(() => models[0] ?? echoing(0))]);
    await loader.load('b', async () => [candidateOf(() => models[1] ?? echoing(0))]);
    await loader.onApplicationShutdown();
    expect(models.map(({ events }) => events.at(-1))).toEqual(['unload', 'unload']);
  });

  it('gives up what is loading, and what waits to be loaded', async () => {
    const started = new Deferred();
    const waiting = new NumberModel(1);
    const model = {
      ...echoing(1),
      load: ({ signal }: LoadContext) =>
        new Promise<void>((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
          started.resolve();
        }),
    };
    const loading = load(candidateOf(() => model));
    const next = load(candidateOf(() => waiting));
    await started.promise;
    const closing = loader.onApplicationShutdown();
    await expect(loading).rejects.toThrow('the server is stopping');
    await Promise.allSettled([next, closing]);
    expect(waiting.events).toEqual([]);
    expect(registry.isReady('m')).toBe(false);
  });

  it('waits for versions that were replaced, but not for runs that nobody waits for', async () => {
    const gate = new Deferred();
    const old = new NumberModel(1, gate.promise);
    await load(candidateOf(() => old));
    const running = infer();
    await load(candidateOf(() => new NumberModel(2, new Deferred().promise), { fingerprint: 'f-2' }));
    const call = new FakeInferenceCall();
    const stuck = infer('', call);
    call.abort();
    expect(await stuck).toBe('cancelled');
    const events: string[] = [];
    const closing = loader.onApplicationShutdown().then(() => events.push('closed'));
    await new Promise(setImmediate);
    events.push('answer');
    gate.resolve();
    await closing;
    expect(events).toEqual(['answer', 'closed']);
    expect(await running).toBe(1);
    expect(old.events.at(-1)).toBe('unload');
  });

  it('does not wait for a load that does not listen, and releases what comes of it', async () => {
    const [started, stuck, released] = [new Deferred(), new Deferred(), new Deferred()];
    const model = {
      ...echoing(1),
      load: () => {
        started.resolve();
        return stuck.promise;
      },
      unload: () => released.resolve(),
    };
    const loading = load(candidateOf(() => model));
    await started.promise;
    const closing = loader.onApplicationShutdown();
    await expect(loading).rejects.toThrow('the server is stopping');
    await closing;
    stuck.resolve();
    await released.promise;
  });

  it('does not begin to load what was only about to be looked for', async () => {
    const looking = new Deferred();
    const model = new NumberModel(1);
    const loading = loader.load('m', () => looking.promise.then(() => [candidateOf(() => model)]));
    const closing = loader.onApplicationShutdown();
    looking.resolve();
    await expect(loading).rejects.toThrow('the server is stopping');
    await closing;
    expect(model.events).toEqual([]);
  });
});

const OPERATIONS = ['load', 'reload', 'failing load', 'unload', 'infer'] as const;

it('is consistent after any operations, however they interleave', async () => {
  vi.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...OPERATIONS), { minLength: 1, maxLength: 12 }),
      fc.scheduler(),
      // Whether the model is one instance for good, as a class is, or a new one for each load, as a file is.
      fc.boolean(),
      async (operations, scheduler, isClass) => {
        const registry = new ModelRegistry();
        const readiness = new Readiness(registry);
        readiness.begin([], true);
        const loader = new ModelLoader(registry, readiness, new QueueConfig());
        const pipeline = new InferencePipeline(registry, []);
        const step = (label: string) => scheduler.schedule(Promise.resolve(), label);
        const alive = new Set<WatchedModel>();
        const broken: string[] = [];

        /** Notes every call that its lifecycle does not allow. */
        class WatchedModel implements ServableModel {
          private state: 'down' | 'loading' | 'loaded' | 'unloading' = 'down';
          private running = 0;
          fails = false;

          async load(): Promise<void> {
            if (this.state !== 'down') broken.push(`load of a ${this.state} model`);
            const { fails } = this;
            this.state = 'loading';
            await step('load');
            this.state = fails ? 'down' : 'loaded';
            if (fails) throw new Error('corrupt');
            alive.add(this);
          }

          async infer() {
            if (this.state !== 'loaded') broken.push(`infer on a ${this.state} model`);
            this.running++;
            await step('infer');
            this.running--;
            return { y: fp32.of([0], []) };
          }

          async unload(): Promise<void> {
            if (this.state !== 'loaded') broken.push(`unload of a ${this.state} model`);
            if (this.running > 0) broken.push('unload under a running request');
            this.state = 'unloading';
            await step('unload');
            this.state = 'down';
            alive.delete(this);
          }
        }

        const instance = new WatchedModel();
        let files = 0;
        let wanted = false;
        const begin = (operation: (typeof OPERATIONS)[number]): Promise<unknown> => {
          if (operation === 'infer') return pipeline.run(requestOf(), new FakeInferenceCall());
          const fails = operation === 'failing load' && !isClass;
          if (!fails) wanted = operation !== 'unload';
          if (operation === 'unload') return loader.unload('m');
          if (operation !== 'load' && !isClass) files++;
          const open = () => Object.assign(isClass ? instance : new WatchedModel(), { fails });
          const fingerprint = `f-${files}`;
          return loader.load('m', async () => [candidateOf(open, { fingerprint })]);
        };
        await scheduler.waitFor(
          Promise.allSettled(
            operations.map(async (operation) => {
              await step(operation);
              await begin(operation);
            }),
          ),
        );
        await scheduler.waitIdle();
        expect(broken).toEqual([]);
        expect(registry.isReady('m')).toBe(wanted);
        expect(alive.size).toBe(wanted ? 1 : 0);
        expect(readiness.ready).toBe(true);
      },
    ),
  );
});

const echoing = (answer: number): ServableModel => ({ infer: () => ({ y: fp32.of([1], [answer]) }) });

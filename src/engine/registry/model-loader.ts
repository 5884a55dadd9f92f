import { setMaxListeners } from 'node:events';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { unavailable } from '../../core/errors/catalogue.js';
import { ServingError } from '../../core/errors/serving-error.js';
import { Readiness } from '../lifecycle/readiness.js';
import { unlessAborted } from '../execution/abort.js';
import { warmUp, type WarmUpSample } from '../execution/warm-up.js';
import { QueueConfig } from '../scheduling/queue/queue.config.js';
import type { WhatWaits } from '../scheduling/scheduler.js';
import { ModelHandle } from './model-handle.js';
import { ModelRegistry } from './model-registry.js';
import type { VersionCandidate } from './model-source.js';
import { UNLOADED } from './model-state.js';

interface Opened {
  readonly candidate: VersionCandidate;
  readonly result: ModelHandle | Error;
}

/**
 * Loads and unloads whole models: all versions of a load come up, or none does and the old ones keep serving.
 * Operations on one model run one after the other, in the order in which they came.
 */
@Injectable()
export class ModelLoader implements OnApplicationShutdown {
  private readonly logger = new Logger('ModelLoader');
  private readonly tails = new Map<string, Promise<unknown>>();
  private readonly fingerprints = new WeakMap<ModelHandle, string>();
  private readonly loads = new Map<string, AbortController>();
  private readonly releases = new Set<Promise<void>>();
  private readonly stopping = new AbortController();

  constructor(
    private readonly registry: ModelRegistry,
    private readonly readiness: Readiness,
    private readonly config: QueueConfig,
  ) {
    // Every load that is under way listens, and there may be any number of them.
    setMaxListeners(0, this.stopping.signal);
  }

  /**
   * Makes exactly these versions serve; from then on the server is ready only with this model. Resolves when they
   * serve, while old ones still finish. Throws `invalid-argument` with the reason when one cannot be loaded.
   */
  load(name: string, candidates: () => Promise<readonly VersionCandidate[]>): Promise<void> {
    return this.inTurn(name, async (done) => {
      const gone = await this.replace(name, await candidates());
      this.readiness.require(name);
      const retired = this.retire(name, gone);
      done();
      await retired;
    });
  }

  /**
   * Gives up a load that is under way and stops serving the model; resolves once no new request reaches it, while
   * the running ones still finish. The server is ready without it.
   */
  unload(name: string): Promise<void> {
    this.loads.get(name)?.abort(unavailable(`model '${name}' was unloaded while it was loading`));
    return this.inTurn(name, async (done) => {
      this.readiness.release(name);
      const retired = this.retire(name, this.serving(name));
      done();
      await retired;
    });
  }

  /** Whether the server has ended, and loads nothing more. */
  get stopped(): boolean {
    return this.stopping.signal.aborted;
  }

  /** Gives up what is loading and unloads everything, once the servers have closed. */
  async onApplicationShutdown(): Promise<void> {
    this.stopping.abort(unavailable('the server is stopping'));
    const names = new Set([...this.registry.names(), ...this.tails.keys()]);
    await Promise.allSettled([...names].map((name) => this.unload(name)));
    await Promise.allSettled([...this.tails.values(), ...this.releases]);
  }

  /** Answers with the versions that are no longer wanted; they still serve. */
  private async replace(name: string, candidates: readonly VersionCandidate[]): Promise<ModelHandle[]> {
    const old = this.serving(name);
    const kept = old.filter((handle) =>
      candidates.some(
        ({ version, fingerprint }) => handle.version === version && this.fingerprints.get(handle) === fingerprint,
      ),
    );
    const fresh = candidates.filter(({ version }) => !kept.some((handle) => handle.version === version));
    for (const { version } of fresh) {
      if (!old.some((handle) => handle.version === version)) this.registry.set(name, version, { kind: 'loading' });
    }
    const opened = await this.openAll(name, fresh);
    const failed = opened.filter(({ result }) => result instanceof Error);
    if (failed.length > 0) throw await this.rollBack(name, opened, failed);
    for (const { candidate, result } of opened) this.serve(result as ModelHandle, candidate);
    // A reload that failed before may have left its reason.
    for (const handle of kept) this.registry.set(name, handle.version, { kind: 'ready' }, handle);
    const replaced = old.filter((handle) => opened.some(({ candidate }) => candidate.version === handle.version));
    for (const handle of replaced) void this.release(handle);
    return old.filter((handle) => !kept.includes(handle) && !replaced.includes(handle));
  }

  private async openAll(name: string, candidates: readonly VersionCandidate[]): Promise<Opened[]> {
    const unloaded = new AbortController();
    this.loads.set(name, unloaded);
    const signal = AbortSignal.any([this.stopping.signal, unloaded.signal]);
    const opened = await Promise.all(candidates.map(async (candidate) => this.open(name, candidate, signal)));
    this.loads.delete(name);
    return opened;
  }

  /** When the server stops, a load is not waited for; what comes of it later is released. */
  private async open(name: string, candidate: VersionCandidate, signal: AbortSignal): Promise<Opened> {
    const { signal: stopping } = this.stopping;
    if (stopping.aborted) return { candidate, result: stopping.reason as Error };
    const opening = this.bringUp(name, candidate, signal);
    try {
      return { candidate, result: await unlessAborted(opening, stopping) };
    } catch (thrown) {
      if (stopping.aborted) opening.then((late) => this.release(late)).catch(() => undefined);
      return { candidate, result: thrown instanceof Error ? thrown : new Error(String(thrown)) };
    }
  }

  private async bringUp(name: string, candidate: VersionCandidate, signal: AbortSignal): Promise<ModelHandle> {
    const { version, platform } = candidate;
    const context = { name, version, signal };
    const loaded = await candidate.open(context);
    await loaded.model.load?.(context);
    const handle = new ModelHandle(name, version, platform, loaded, { maxSize: this.config.MODEL_MAX_QUEUE_SIZE });
    await this.warmUp(handle, loaded.samples ?? [], signal);
    return handle;
  }

  /** A model that cannot warm up gives back what it has loaded. */
  private async warmUp(handle: ModelHandle, samples: readonly WarmUpSample[], signal: AbortSignal): Promise<void> {
    try {
      await handle.model.warmup?.();
      await warmUp(handle.executor, samples, signal);
    } catch (failure) {
      await this.release(handle);
      throw failure;
    }
  }

  private serve(handle: ModelHandle, { fingerprint }: VersionCandidate): void {
    this.fingerprints.set(handle, fingerprint);
    this.registry.set(handle.name, handle.version, { kind: 'ready' }, handle);
  }

  /** Releases what came up beside the failures; a version that serves keeps serving, and tells why in its state. */
  private async rollBack(name: string, opened: readonly Opened[], failed: readonly Opened[]): Promise<ServingError> {
    const reasons = failed
      .map(
        ({ candidate, result }) =>
          `version ${candidate.version} is at UNAVAILABLE state: ${(result as Error).message};`,
      )
      .join(' ');
    for (const { candidate, result } of opened) {
      const reason = result instanceof Error ? result.message : `not served, because ${reasons}`;
      const serving = this.serving(name).find(({ version }) => version === candidate.version);
      if (serving === undefined) this.registry.set(name, candidate.version, { kind: 'unavailable', reason });
      else this.registry.set(name, candidate.version, { kind: 'ready', reason }, serving);
      if (result instanceof ModelHandle) await this.release(result);
    }
    const [first] = failed;
    return new ServingError('invalid-argument', `load failed for model '${name}': ${reasons}`, {
      cause: first?.result,
    });
  }

  /** Takes versions out of service at once, then waits until their requests are done and they are released. */
  private async retire(name: string, handles: readonly ModelHandle[]): Promise<void> {
    for (const { version } of handles) this.registry.set(name, version, { kind: 'unloading' });
    await Promise.all(
      handles.map(async (handle) => {
        await this.release(handle, 'is refused');
        this.registry.set(name, handle.version, { kind: 'unavailable', reason: UNLOADED });
      }),
    );
  }

  /** A version that was replaced still serves what waits for it; one that is unloaded refuses it. */
  private async release(handle: ModelHandle, waiting: WhatWaits = 'is served'): Promise<void> {
    const { name: model, version } = handle;
    const released = handle
      .release(waiting, this.stopping.signal)
      .catch((failure: unknown) => this.logger.error({ message: 'a model failed to unload', model, version }, failure));
    this.releases.add(released);
    await released;
    this.releases.delete(released);
  }

  private serving(name: string): ModelHandle[] {
    return (this.registry.versionsOf(name) ?? []).flatMap(({ handle }) => handle ?? []);
  }

  /** Resolves when the operation says that it is done; its turn lasts until it has ended. */
  private inTurn(name: string, operation: (done: () => void) => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn = (this.tails.get(name) ?? Promise.resolve())
        .then(() => operation(resolve))
        .then(resolve, reject)
        .finally(() => {
          if (this.tails.get(name) === turn) this.tails.delete(name);
        });
      this.tails.set(name, turn);
    });
  }
}

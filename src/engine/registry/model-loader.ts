import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { ServingError } from '../../core/errors/serving-error.js';
import { DirectScheduler } from '../scheduling/direct-scheduler.js';
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
  private readonly stopping = new AbortController();

  constructor(private readonly registry: ModelRegistry) {}

  /** Makes exactly these versions serve. Throws `invalid-argument` with the reason when one cannot be loaded. */
  load(name: string, candidates: () => Promise<readonly VersionCandidate[]>): Promise<void> {
    return this.inTurn(name, async () => this.replace(name, await candidates()));
  }

  /** Stops serving a model; resolves once no new request reaches it, while the running ones still finish. */
  unload(name: string): Promise<void> {
    return new Promise((accepted, refused) => {
      this.inTurn(name, async () => {
        const released = this.retire(name, this.serving(name));
        accepted();
        await released;
      }).catch(refused);
    });
  }

  /** Gives up what is loading and unloads everything, once the servers have closed. */
  async onApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await Promise.allSettled(this.registry.names().map((name) => this.unload(name)));
    await Promise.allSettled(this.tails.values());
  }

  private async replace(name: string, candidates: readonly VersionCandidate[]): Promise<void> {
    const old = this.serving(name);
    const fresh = candidates.filter(
      ({ version, fingerprint }) =>
        !old.some((handle) => handle.version === version && this.fingerprints.get(handle) === fingerprint),
    );
    for (const { version } of fresh) {
      if (!this.registry.isReady(name, version)) this.registry.set(name, version, { kind: 'loading' });
    }
    const opened = await Promise.all(fresh.map(async (candidate) => this.open(name, candidate)));
    const failed = opened.filter(({ result }) => result instanceof Error);
    if (failed.length > 0) throw await this.rollBack(name, opened, failed);
    for (const { candidate, result } of opened) this.serve(result as ModelHandle, candidate);
    const gone = old.filter(({ version }) => !candidates.some((candidate) => candidate.version === version));
    const replaced = old.filter((handle) => opened.some(({ candidate }) => candidate.version === handle.version));
    void this.retire(name, gone);
    for (const handle of replaced) void this.release(handle);
  }

  private async open(name: string, candidate: VersionCandidate): Promise<Opened> {
    const { version, platform } = candidate;
    const signal = this.stopping.signal;
    try {
      const context = { name, version, signal };
      const loaded = await candidate.open(context);
      await loaded.model.load?.(context);
      await loaded.model.warmup?.();
      return { candidate, result: new ModelHandle(name, version, platform, loaded, new DirectScheduler()) };
    } catch (thrown) {
      return { candidate, result: thrown instanceof Error ? thrown : new Error(String(thrown)) };
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
        await this.release(handle);
        this.registry.set(name, handle.version, { kind: 'unavailable', reason: UNLOADED });
      }),
    );
  }

  private async release(handle: ModelHandle): Promise<void> {
    try {
      await handle.release();
    } catch (failure) {
      this.logger.error({ message: 'a model failed to unload', model: handle.name, version: handle.version }, failure);
    }
  }

  private serving(name: string): ModelHandle[] {
    return (this.registry.versionsOf(name) ?? []).flatMap(({ handle }) => handle ?? []);
  }

  private inTurn<T>(name: string, operation: () => Promise<T>): Promise<T> {
    const turn = (this.tails.get(name) ?? Promise.resolve()).then(operation, operation);
    this.tails.set(name, turn);
    const forget = () => {
      if (this.tails.get(name) === turn) this.tails.delete(name);
    };
    turn.then(forget, forget);
    return turn;
  }
}

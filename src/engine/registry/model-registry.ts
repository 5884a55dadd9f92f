import { Injectable } from '@nestjs/common';
import { malformedVersion, modelHasNoVersions, modelNotFound, modelNotReady } from '../../core/errors/catalogue.js';
import type { ModelHandle } from './model-handle.js';
import { assertTransition, type ModelState } from './model-state.js';
import { compareVersions, isNumericVersion } from './version-policy.js';

/** A version of a model as the registry knows it; it has a handle exactly while it is ready. */
export interface ModelVersion {
  readonly name: string;
  readonly version: string;
  readonly state: ModelState;
  readonly handle: ModelHandle | undefined;
}

/** All models of the server with their versions and states. Model names are any text, so the maps are real maps. */
@Injectable()
export class ModelRegistry {
  private readonly models = new Map<string, Map<string, ModelVersion>>();
  private readonly defaults = new Map<string, ModelHandle>();
  private readonly listeners = new Set<() => void>();

  /** The handle that a request runs on; an empty version is the default one. Throws what the protocol answers. */
  resolve(name: string, version: string): ModelHandle {
    if (version === '') return this.defaults.get(name) ?? this.refuseUnversioned(name);
    const versions = this.models.get(name);
    if (versions === undefined) throw modelNotFound(name, version);
    const known = versions.get(version);
    if (known?.handle !== undefined) return known.handle;
    if (known !== undefined) throw modelNotReady(name, version);
    throw isNumericVersion(version) ? modelNotFound(name, version) : malformedVersion(version);
  }

  private refuseUnversioned(name: string): never {
    const versions = this.versionsOf(name);
    if (versions === undefined) throw modelNotFound(name);
    const passing = versions.find(({ state }) => state.kind === 'loading' || state.kind === 'unloading');
    throw passing === undefined ? modelHasNoVersions(name) : modelNotReady(name, passing.version);
  }

  /** The versions of a model, oldest first; `undefined` for a model that was never loaded. */
  versionsOf(name: string): ModelVersion[] | undefined {
    const versions = this.models.get(name);
    return (
      versions &&
      [...versions.values()]
        .map((version) => this.asItIs(version))
        .sort((a, b) => compareVersions(a.version, b.version))
    );
  }

  /** Whether a request for this version, or for the default one, would be served. */
  isReady(name: string, version = ''): boolean {
    const handle = version === '' ? this.defaults.get(name) : this.models.get(name)?.get(version)?.handle;
    return handle !== undefined && this.outageOf(handle) === undefined;
  }

  /** Why a loaded version cannot serve for now: what it runs on is out of order, or a model that it calls is not there. */
  private outageOf(handle: ModelHandle, asked: ReadonlySet<ModelHandle> = new Set()): string | undefined {
    const { executor, dependsOn } = handle;
    if (executor.outage !== undefined) return executor.outage;
    // Models that call each other in a circle wait for nobody else.
    const onTheWay = new Set(asked).add(handle);
    const missing = dependsOn.find((name) => {
      const called = this.defaults.get(name);
      return called === undefined || (!onTheWay.has(called) && this.outageOf(called, onTheWay) !== undefined);
    });
    return missing === undefined ? undefined : `it calls model '${missing}', which is not ready`;
  }

  names(): string[] {
    return [...this.models.keys()];
  }

  /** Moves a version to its next state; `handle` comes with `ready` alone. */
  set(name: string, version: string, state: ModelState, handle?: ModelHandle): void {
    const versions = this.models.get(name) ?? new Map<string, ModelVersion>();
    const current = versions.get(version);
    if (current !== undefined) assertTransition(current.state, state);
    versions.set(version, { name, version, state, handle });
    this.models.set(name, versions);
    this.refreshDefault(name);
    if (handle !== current?.handle) this.followOutages(handle);
    this.changed();
  }

  /** Calls the listener after every change of any state; returns the way to stop that. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }

  /** A model is out of order and in order again without a change of its state. */
  private followOutages(handle: ModelHandle | undefined): void {
    if (handle === undefined) return;
    const { executor } = handle;
    let { outage } = executor;
    executor.onChange(() => {
      if (executor.outage === outage) return;
      ({ outage } = executor);
      this.changed();
    });
  }

  /** A version that is out of order is unavailable until that has passed; its handle waits for it. */
  private asItIs(version: ModelVersion): ModelVersion {
    const outage = version.handle && this.outageOf(version.handle);
    return outage === undefined ? version : { ...version, state: { kind: 'unavailable', reason: outage } };
  }

  private refreshDefault(name: string): void {
    const newest = this.versionsOf(name)?.findLast((version) => version.handle !== undefined)?.handle;
    if (newest === undefined) this.defaults.delete(name);
    else this.defaults.set(name, newest);
  }
}

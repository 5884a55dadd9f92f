import { Injectable, Logger } from '@nestjs/common';
import { invalidArgument, unavailable, unimplemented } from '../core/errors/catalogue.js';
import type { InferenceCall } from '../core/inference/call.js';
import { ModelAccess } from '../core/inference/model-access.js';
import type { ModelHandle } from '../engine/registry/model-handle.js';
import { ModelLoader } from '../engine/registry/model-loader.js';
import { type ModelVersion, ModelRegistry } from '../engine/registry/model-registry.js';
import { type LoadParameters, PLAIN_LOAD } from './control/control-parameters.js';
import { RequestedLoads } from './control/requested-loads.js';
import { ModelCatalogue } from './sources/model-catalogue.js';
import { RepositoryConfig } from './repository.config.js';

/** A line of the index; a model that was never loaded has only a name. */
export interface IndexEntry {
  readonly name: string;
  readonly version: string;
  readonly state: '' | 'READY' | 'UNAVAILABLE' | 'LOADING' | 'UNLOADING';
  readonly reason: string;
}

/** Lists, loads and unloads models, for both wires. */
@Injectable()
export class RepositoryService {
  private readonly logger = new Logger('Repository');

  constructor(
    private readonly catalogue: ModelCatalogue,
    private readonly registry: ModelRegistry,
    private readonly loader: ModelLoader,
    private readonly config: RepositoryConfig,
    private readonly access: ModelAccess,
    private readonly loads: RequestedLoads,
  ) {}

  /**
   * Every known version of every model that the caller may see, sorted by name; with `readyOnly` the ones that serve.
   */
  async index(call: InferenceCall, repository: string, readyOnly: boolean): Promise<IndexEntry[]> {
    refuseRepositoryName(repository);
    const names = new Set([...(await this.catalogue.names()), ...this.registry.names()]);
    const visible = await this.access.visible(call, 'model-repository', [...names].sort());
    const twice = await this.catalogue.twice();
    const entries = visible.flatMap((name) => this.entriesOf(name, twice.has(name)));
    return readyOnly ? entries.filter(({ state }) => state === 'READY') : entries;
  }

  /** A name that stands twice cannot be loaded; what served under it before serves on. */
  private entriesOf(name: string, isTwice: boolean): IndexEntry[] {
    const entries = (this.registry.versionsOf(name) ?? []).map(toEntry);
    if (isTwice)
      entries.push({ name, version: '', state: 'UNAVAILABLE', reason: `model '${name}' stands twice: rename one` });
    return entries.length > 0 ? entries : [{ name, version: '', state: '', reason: '' }];
  }

  /** Loads or reloads a model, and answers when it serves. A reload of unchanged files is a success without effect. */
  async load(
    call: InferenceCall,
    repository: string,
    model: string,
    parameters: LoadParameters = PLAIN_LOAD,
  ): Promise<void> {
    refuseRepositoryName(repository);
    this.requireControl();
    checkName(model);
    await this.loads.load(call, model, parameters);
  }

  /**
   * Stops serving a model; its running requests finish. Succeeds for a model that nobody knows. With `unloadDependents`
   * the models that it calls are unloaded too, but for those that others call, or that the caller may not unload.
   */
  async unload(call: InferenceCall, repository: string, model: string, unloadDependents = false): Promise<void> {
    refuseRepositoryName(repository);
    this.requireControl();
    const called = this.handlesOf(model).flatMap(({ dependsOn }) => dependsOn);
    await this.stop(model);
    if (unloadDependents) await this.unloadUnused(call, called);
  }

  /** Those that the caller may unload, and nothing else calls that serves. */
  private async unloadUnused(call: InferenceCall, models: readonly string[]): Promise<void> {
    for (const model of await this.access.visible(call, 'model-repository', models)) {
      const handles = this.handlesOf(model);
      if (handles.length === 0 || this.isCalled(model)) continue;
      const called = handles.flatMap(({ dependsOn }) => dependsOn);
      await this.stop(model);
      await this.unloadUnused(call, called);
    }
  }

  private isCalled(model: string): boolean {
    return this.registry
      .names()
      .some((name) => this.handlesOf(name).some(({ dependsOn }) => dependsOn.includes(model)));
  }

  private handlesOf(model: string): ModelHandle[] {
    return (this.registry.versionsOf(model) ?? []).flatMap(({ handle }) => handle ?? []);
  }

  private async stop(model: string): Promise<void> {
    await this.loader.unload(model);
    await this.loads.forget(model);
    this.logger.log({ message: 'model unloaded', model });
  }

  private requireControl(): void {
    if (this.config.MODEL_CONTROL_MODE !== 'explicit') {
      throw unavailable('explicit model load / unload is not allowed if polling is enabled');
    }
  }
}

const refuseRepositoryName = (repository: string): void => {
  if (repository !== '') throw unimplemented("'repository_name' specification is not supported");
};

function checkName(model: string): void {
  if (model.trim() === '') throw invalidArgument('Model name cannot be empty. Please enter a valid name to deploy.');
  if (/[/\\\0]/.test(model) || model.trim() === '..' || model.trim() === '.') {
    throw invalidArgument('model name must not contain path traversal characters');
  }
}

function toEntry({ name, version, state }: ModelVersion): IndexEntry {
  const reason = state.kind === 'ready' || state.kind === 'unavailable' ? (state.reason ?? '') : '';
  return { name, version, state: STATES[state.kind], reason };
}

const STATES = {
  loading: 'LOADING',
  ready: 'READY',
  unloading: 'UNLOADING',
  unavailable: 'UNAVAILABLE',
} as const satisfies Record<ModelVersion['state']['kind'], IndexEntry['state']>;

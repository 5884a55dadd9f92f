import { Injectable, Logger } from '@nestjs/common';
import { invalidArgument, unavailable, unimplemented } from '../core/errors/catalogue.js';
import { ServingError } from '../core/errors/serving-error.js';
import type { InferenceCall } from '../core/inference/call.js';
import { ModelAccess } from '../core/inference/model-access.js';
import { ModelLoader } from '../engine/registry/model-loader.js';
import { type ModelVersion, ModelRegistry } from '../engine/registry/model-registry.js';
import type { VersionCandidate } from '../engine/registry/model-source.js';
import { ModelCatalogue } from './model-catalogue.js';
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
  ) {}

  /**
   * Every known version of every model that the caller may see, sorted by name; with `readyOnly` the ones that serve.
   */
  async index(call: InferenceCall, repository: string, readyOnly: boolean): Promise<IndexEntry[]> {
    refuseRepositoryName(repository);
    const names = new Set([...(await this.catalogue.names()), ...this.registry.names()]);
    const visible = await this.access.visible(call, 'model-repository', [...names].sort());
    const entries = visible.flatMap((name) => this.entriesOf(name));
    return readyOnly ? entries.filter(({ state }) => state === 'READY') : entries;
  }

  private entriesOf(name: string): IndexEntry[] {
    const versions = this.registry.versionsOf(name);
    return versions === undefined ? [{ name, version: '', state: '', reason: '' }] : versions.map(toEntry);
  }

  /** Loads or reloads a model, and answers when it serves. A reload of unchanged files is a success without effect. */
  async load(repository: string, model: string): Promise<void> {
    refuseRepositoryName(repository);
    this.requireControl();
    checkName(model);
    await this.bringUp(model);
  }

  /** Stops serving a model; its running requests finish. Succeeds for a model that nobody knows. */
  async unload(repository: string, model: string): Promise<void> {
    refuseRepositoryName(repository);
    this.requireControl();
    await this.loader.unload(model);
    this.logger.log({ message: 'model unloaded', model });
  }

  /** Loads a model on the server's own account, at the start. */
  bringUpAtStart(model: string, candidates: () => Promise<readonly VersionCandidate[]>): Promise<void> {
    return this.bringUp(model, candidates, true);
  }

  private async bringUp(model: string, candidates = () => this.candidates(model), atStart = false): Promise<void> {
    try {
      await this.loader.load(model, candidates);
      this.logger.log({ message: 'model ready', model });
    } catch (failure) {
      const { message: reason } = failure as Error;
      // A caller is told, and could fill the log with errors; at the start there is nobody else to tell. Who stops
      // the server knows that what was loading was given up.
      const level = this.loader.stopped ? 'debug' : atStart ? 'error' : 'warn';
      this.logger[level]({ message: 'model failed to load', model, reason });
      throw failure;
    }
  }

  /** What could be loaded under a name. Throws the answer to a load of a name that is not there. */
  async candidates(model: string): Promise<readonly VersionCandidate[]> {
    const candidates = await this.catalogue.versions(model).catch((failure: unknown) => {
      throw new ServingError('internal', `failed to load '${model}', failed to poll from model repository`, {
        cause: failure,
      });
    });
    if (candidates.length > 0) return candidates;
    throw new ServingError('not-found', `failed to load '${model}', failed to poll from model repository`);
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

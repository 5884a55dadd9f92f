import { Injectable, Logger } from '@nestjs/common';
import { ServingError } from '../../core/errors/serving-error.js';
import { ModelLoader } from '../../engine/registry/model-loader.js';
import { ModelRegistry } from '../../engine/registry/model-registry.js';
import type { VersionCandidate } from '../../engine/registry/model-source.js';
import type { ConfigOverride } from '../sources/folder-source.js';
import { ModelCatalogue } from '../sources/model-catalogue.js';
import { loadOrder } from './load-order.js';

/** What could be loaded under a name. */
export type Candidates = () => Promise<readonly VersionCandidate[]>;

/** A load that says itself what there is. */
export interface OwnLoad {
  readonly candidates: Candidates;
  /** The models that come before. Default: those that the repository says. */
  readonly dependsOn?: readonly string[];
}

type Lookup = Promise<readonly Pick<VersionCandidate, 'dependsOn'>[]>;

/** Loads models, and before them those that they call. */
@Injectable()
export class BringUp {
  private readonly logger = new Logger('Repository');

  constructor(
    private readonly catalogue: ModelCatalogue,
    private readonly registry: ModelRegistry,
    private readonly loader: ModelLoader,
  ) {}

  /** Loads or reloads one model on request; what it calls is loaded where that is not ready. */
  async one(
    name: string,
    { candidates, dependsOn }: OwnLoad = { candidates: () => this.candidates(name) },
  ): Promise<void> {
    const lookup = dependsOn === undefined ? this.lookUp(name) : Promise.resolve([{ dependsOn }]);
    const found = await this.withDependencies(
      new Map([[name, lookup as Lookup]]),
      (dependency) => !this.registry.isReady(dependency),
      (dependency) => this.lookUp(dependency),
    );
    await this.inOrder([name], found, (each) =>
      this.bringUp(each, each === name ? candidates : () => this.candidates(each), 'warn'),
    );
  }

  /**
   * Loads all of the models on the server's own account: what fails is told to the log alone. Looks them up at once;
   * `loaded` resolves when every one has come up or failed.
   */
  async all(names: readonly string[]): Promise<{ readonly loaded: Promise<void> }> {
    const found = await this.withDependencies(
      new Map(names.map((name) => [name, this.lookUp(name)])),
      () => true,
      (dependency) => this.lookUp(dependency),
    );
    const loading = this.inOrder(names, found, (name) =>
      this.bringUp(name, () => found.get(name) ?? this.candidates(name), 'error'),
    );
    return { loaded: loading.catch(() => undefined) };
  }

  /** What could be loaded under a name. Throws the answer to a load of a name that is not there. */
  async candidates(model: string, override?: ConfigOverride): Promise<readonly VersionCandidate[]> {
    const candidates = await this.catalogue.versions(model, override).catch((failure: unknown) => {
      throw notPolled('internal', model, failure);
    });
    if (candidates.length > 0) return candidates;
    throw notPolled('not-found', model);
  }

  /** The candidates, whose absence nobody may ask about. */
  private lookUp(name: string): Promise<readonly VersionCandidate[]> {
    const lookup = this.candidates(name);
    lookup.catch(() => undefined);
    return lookup;
  }

  /** The lookups, with those of all that the models call, as far as `follows` says. */
  private async withDependencies<L extends Lookup>(
    lookups: Map<string, L>,
    follows: (dependency: string) => boolean,
    lookUp: (dependency: string) => L,
  ): Promise<ReadonlyMap<string, L>> {
    // A map that is walked also gives what is added on the way.
    for (const [, lookup] of lookups) {
      for (const dependency of called(await lookup.catch(() => []))) {
        if (!lookups.has(dependency) && follows(dependency)) lookups.set(dependency, lookUp(dependency));
      }
    }
    return lookups;
  }

  /** Rejects with the failure of the first of the names that fails. */
  private async inOrder(
    names: readonly string[],
    found: ReadonlyMap<string, Lookup>,
    load: (name: string) => Promise<void>,
  ): Promise<void> {
    const dependencies = new Map<string, readonly string[]>();
    for (const [name, lookup] of found) dependencies.set(name, called(await lookup.catch(() => [])));
    const order = loadOrder(names, (name) => (dependencies.get(name) ?? []).filter((each) => dependencies.has(each)));
    const loads = new Map<string, Promise<void>>();
    for (const { name, after } of order) {
      // A model whose dependency failed says so itself.
      const before = Promise.allSettled(after.flatMap((dependency) => loads.get(dependency) ?? []));
      loads.set(name, after.length === 0 ? load(name) : before.then(() => load(name)));
    }
    await Promise.allSettled(loads.values());
    await Promise.all(names.flatMap((name) => loads.get(name) ?? []));
  }

  private async bringUp(model: string, candidates: Candidates, level: 'warn' | 'error'): Promise<void> {
    try {
      await this.loader.load(model, candidates);
      this.logger.log({ message: 'model ready', model });
    } catch (failure) {
      const { message: reason, cause } = failure as Error;
      const more = cause instanceof Error && !reason.includes(cause.message) ? { because: cause.message } : {};
      // A caller is told, and could fill the log with errors; at the start there is nobody else to tell. Who stops
      // the server knows that what was loading was given up.
      this.logger[this.loader.stopped ? 'debug' : level]({ message: 'model failed to load', model, reason, ...more });
      throw failure;
    }
  }
}

const notPolled = (code: 'internal' | 'not-found', model: string, cause?: unknown): ServingError =>
  new ServingError(code, `failed to load '${model}', failed to poll from model repository`, { cause });

const called = (candidates: readonly Pick<VersionCandidate, 'dependsOn'>[]): string[] => [
  ...new Set(candidates.flatMap(({ dependsOn = [] }) => dependsOn)),
];

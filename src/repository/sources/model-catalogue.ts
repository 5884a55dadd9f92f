import { Inject, Injectable } from '@nestjs/common';
import type { ModelSource, VersionCandidate } from '../../engine/registry/model-source.js';
import { CodeSource } from './code-source.js';
import type { ConfigOverride } from './folder-source.js';
import { SharedLook } from './shared-look.js';

/** The repositories, in the order in which they are configured. */
export const REPOSITORIES = Symbol('model repositories');

/** A source whose models may be loaded with another configuration than their own. */
export interface ConfigurableSource extends ModelSource {
  versions(name: string, override?: ConfigOverride): Promise<readonly VersionCandidate[] | undefined>;
  /** Names that stand twice in this source itself, each with what is to be done about it. Default: none. */
  twice?(): Promise<ReadonlyMap<string, string>>;
}

/** Every model that could be served, from code and from the repositories. */
@Injectable()
export class ModelCatalogue {
  private readonly sources: readonly ConfigurableSource[];
  /** Shared, for every model that is asked for is looked for among all: a start asks for thousands at once. */
  private readonly duplicates = new SharedLook(() => this.findDuplicates());

  constructor(code: CodeSource, @Inject(REPOSITORIES) repositories: readonly ConfigurableSource[]) {
    this.sources = [code, ...repositories];
  }

  /** All names, sorted. */
  async names(): Promise<string[]> {
    const names = await Promise.all(this.sources.map((source) => source.names()));
    return [...new Set(names.flat())].sort();
  }

  /**
   * The versions of a model; empty for a name that no source knows. `override` stands in for its configuration. Throws
   * when two sources have the name.
   */
  async versions(name: string, override?: ConfigOverride): Promise<readonly VersionCandidate[]> {
    await this.assertUnique([name]);
    const found = await Promise.all(this.sources.map((source) => source.versions(name, override)));
    return found.find((versions) => versions !== undefined) ?? [];
  }

  /** Throws when two sources have one of the names. */
  async assertUnique(names: readonly string[]): Promise<void> {
    const twice = await this.twice();
    const reason = names.map((name) => twice.get(name)).find((found) => found !== undefined);
    if (reason !== undefined) throw new Error(await reason());
  }

  /** The names that stand twice, each with what tells where, and what is to be done about it. */
  twice(): Promise<ReadonlyMap<string, Reason>> {
    return this.duplicates.take();
  }

  private async findDuplicates(): Promise<ReadonlyMap<string, Reason>> {
    const first = new Map<string, ModelSource>();
    const reasons = new Map<string, Reason>();
    for (const source of this.sources) {
      for (const [name, reason] of (await source.twice?.()) ?? []) reasons.set(name, () => reason);
      for (const name of await source.names()) {
        const other = first.get(name);
        if (other === undefined) first.set(name, source);
        else if (!reasons.has(name)) reasons.set(name, () => reasonOf(name, other, source));
      }
    }
    return reasons;
  }
}

/** Sources look at their folders again to describe a name, so that only the one that is told of is described. */
type Reason = () => string | Promise<string>;

const reasonOf = async (name: string, one: ModelSource, two: ModelSource): Promise<string> =>
  `model '${name}' stands twice, as ${await one.describe(name)} and as ${await two.describe(name)}: rename one`;

import { Inject, Injectable } from '@nestjs/common';
import type { ModelSource, VersionCandidate } from '../../engine/registry/model-source.js';
import { CodeSource } from './code-source.js';
import type { ConfigOverride } from './folder-source.js';

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
    const reason = names.map((name) => twice.get(name)).find((text) => text !== undefined);
    if (reason !== undefined) throw new Error(reason);
  }

  /** The names that two sources have, each with what is to be done about it. */
  async twice(): Promise<ReadonlyMap<string, string>> {
    const first = new Map<string, ModelSource>();
    const reasons = new Map<string, string>();
    for (const source of this.sources) {
      for (const [name, reason] of (await source.twice?.()) ?? []) reasons.set(name, reason);
      for (const name of await source.names()) {
        const other = first.get(name);
        if (other === undefined) first.set(name, source);
        else if (!reasons.has(name)) {
          reasons.set(
            name,
            `model '${name}' stands twice, as ${await other.describe(name)} and as ${await source.describe(name)}: rename one`,
          );
        }
      }
    }
    return reasons;
  }
}

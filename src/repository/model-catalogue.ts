import { Injectable } from '@nestjs/common';
import { ModelExplorer } from '../engine/registry/model-explorer.js';
import type { ModelSource, VersionCandidate } from '../engine/registry/model-source.js';
import { FolderSource } from './folder-source.js';

/** Every model that could be served, from code and from the repository. */
@Injectable()
export class ModelCatalogue {
  private readonly sources: readonly ModelSource[];

  constructor(code: ModelExplorer, folders: FolderSource) {
    this.sources = [code, folders];
  }

  /** All names, sorted. */
  async names(): Promise<string[]> {
    const names = await Promise.all(this.sources.map((source) => source.names()));
    return [...new Set(names.flat())].sort();
  }

  /** The versions of a model; empty for a name that no source knows. Throws when two sources have the name. */
  async versions(name: string): Promise<readonly VersionCandidate[]> {
    await this.assertUnique([name]);
    const found = await Promise.all(this.sources.map((source) => source.versions(name)));
    return found.find((versions) => versions !== undefined) ?? [];
  }

  /** Throws when two sources have one of the names. */
  async assertUnique(names: readonly string[]): Promise<void> {
    const known = await Promise.all(
      this.sources.map(async (source) => ({ source, names: new Set(await source.names()) })),
    );
    for (const name of names) {
      const [first, second] = known.filter((entry) => entry.names.has(name));
      if (first === undefined || second === undefined) continue;
      throw new Error(
        `model '${name}' stands twice, as ${first.source.describe(name)} and as ${second.source.describe(name)}: rename one`,
      );
    }
  }
}

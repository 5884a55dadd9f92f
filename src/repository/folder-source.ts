import { join, resolve } from 'node:path';
import { Injectable } from '@nestjs/common';
import type { NamedSpec } from '../core/model/signature.js';
import { ModelOpener } from '../engine/execution/model-opener.js';
import type { ModelSource, VersionCandidate } from '../engine/registry/model-source.js';
import { RuntimeExplorer } from '../engine/registry/runtime-explorer.js';
import {
  fingerprint,
  LABELS,
  listModels,
  listVersions,
  readLabels,
  type VersionFolder,
} from './layouts/version-folders.js';
import { RepositoryConfig } from './repository.config.js';

/** The models in the folders of the repository: each version folder belongs to the runtime that claims its file. */
@Injectable()
export class FolderSource implements ModelSource {
  private readonly root: string;

  constructor(
    { MODEL_REPOSITORY }: RepositoryConfig,
    private readonly runtimes: RuntimeExplorer,
    private readonly opener: ModelOpener,
  ) {
    this.root = resolve(MODEL_REPOSITORY);
  }

  names(): Promise<readonly string[]> {
    return listModels(this.root);
  }

  /** A name is only looked up among the folders that are there, never joined to a path unseen. */
  async versions(name: string): Promise<readonly VersionCandidate[] | undefined> {
    if (!(await this.names()).includes(name)) return undefined;
    const folders = await listVersions(this.root, name);
    return Promise.all(folders.map((folder) => this.candidate(name, folder)));
  }

  describe(name: string): string {
    return `folder ${join(this.root, name)}`;
  }

  private async candidate(name: string, { version, path, files }: VersionFolder): Promise<VersionCandidate> {
    const artifact = this.runtimes.artifacts.find((file) => files.includes(file));
    const registered = artifact === undefined ? undefined : this.runtimes.claiming(artifact);
    if (artifact === undefined || registered === undefined) return this.unclaimed(version);
    // What an artifact refers to stands beside it.
    const own = files.toSorted().map((file) => join(path, file));
    return {
      version,
      platform: registered.claim.platform,
      fingerprint: await fingerprint([...own, join(this.root, name, LABELS)]),
      open: async (context) => {
        const labels = await readLabels(this.root, name);
        const loaded = await registered.runtime.load({ name, version, path: join(path, artifact) }, context);
        const opened = await this.opener.openArtifact(loaded, context);
        return { ...opened, outputs: opened.outputs.map((output) => withLabels(output, labels)) };
      },
    };
  }

  private unclaimed(version: string): VersionCandidate {
    const known = this.runtimes.artifacts.join(', ') || 'nothing, for no runtime is registered';
    return {
      version,
      platform: '',
      fingerprint: '',
      open: () =>
        Promise.reject(new Error(`the folder of version ${version} holds no file that a runtime claims (${known})`)),
    };
  }
}

/** Labels name the classes along the last dimension, so they belong to the outputs that are as wide. */
const withLabels = (output: NamedSpec, labels: readonly string[]): NamedSpec =>
  labels.length > 0 && output.shape.at(-1) === labels.length ? { ...output, labels } : output;

import { readFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { Logger } from '@nestjs/common';
import type { ModelConfig } from '../../core/model/model-config.js';
import type { ModelSource, VersionCandidate } from '../../engine/registry/model-source.js';
import type { ArtifactOpener } from '../artifacts/artifact-opener.js';
import type { FoundVersion } from '../artifacts/found-version.js';
import { ModelFolder } from '../artifacts/model-folder.js';
import { findModelSettings } from '../layouts/mlserver/find-model-settings.js';
import { readModelConfig } from '../layouts/triton/read-model-config.js';
import { chooseVersions, missingVersions } from '../layouts/triton/version-policy.js';
import {
  fingerprint,
  LABELS,
  listModels,
  listVersions,
  LookLimit,
  type VersionFolder,
} from '../layouts/version-folders.js';
import { SharedLook } from './shared-look.js';

/** The file of a model that says how it is served. */
export const MODEL_CONFIG = 'config.pbtxt';

/** The models in the folders of one repository, in the layout of Triton. */
export class FolderSource implements ModelSource {
  private readonly logger = new Logger('Repository');
  private readonly looked = new SharedLook(() => this.look());

  constructor(
    /** The absolute path of the repository. */
    readonly root: string,
    private readonly opener: ArtifactOpener,
    /** How many files and folders one look at it takes. */
    private readonly maxEntries: number,
    /** The folders outside that links may lead to. */
    private readonly linkTargets: readonly string[] = [],
  ) {}

  /** A folder with the settings of the other layout, in itself or further down, is none of this one. */
  names(): Promise<readonly string[]> {
    return this.looked.take();
  }

  /**
   * A name is only looked up among the folders that are there, never joined to a path unseen. `override` stands in for
   * the configuration of the folder.
   */
  async versions(name: string, override?: ConfigOverride): Promise<readonly VersionCandidate[] | undefined> {
    if (!(await this.names()).includes(name)) return undefined;
    const folders = await listVersions(this.root, name, new LookLimit(this.maxEntries, this.linkTargets));
    const folder = new ModelFolder(this.root, name, this.linkTargets);
    const read = override ?? (await readConfig(folder));
    const config = 'config' in read ? read.config : undefined;
    const served = this.served(name, folders, config, 'failure' in read);
    return Promise.all(
      served.map(async ({ version, files }): Promise<VersionCandidate> => {
        const configPath = override === undefined ? join(name, MODEL_CONFIG) : 'config';
        const found: FoundVersion = { name, version, folder, place: version, files, config, configPath };
        const shared = ownFiles(config).map((file) => join(folder.path, file));
        const own = files.toSorted().map((file) => join(folder.path, version, file));
        return {
          version,
          platform: this.opener.platformOf(found),
          fingerprint: `${await fingerprint([...own, ...shared])} ${override?.id ?? ''}`,
          dependsOn: dependenciesOf(config),
          open: (context) => ('failure' in read ? Promise.reject(read.failure) : this.opener.open(found, context)),
        };
      }),
    );
  }

  describe(name: string): string {
    return `folder ${join(this.root, name)}`;
  }

  private async look(): Promise<readonly string[]> {
    const names = await listModels(this.root, new LookLimit(this.maxEntries, this.linkTargets));
    const settings = await findModelSettings(this.root, new LookLimit(this.maxEntries));
    const others = new Set(settings.map((folder) => folder.split(sep)[0]));
    return names.filter((name) => !others.has(name));
  }

  /** Without a configuration every version is; where it cannot be read, the one that is to tell so. */
  private served(
    model: string,
    folders: readonly VersionFolder[],
    config: ModelConfig | undefined,
    isUnreadable: boolean,
  ): readonly VersionFolder[] {
    if (config === undefined && !isUnreadable) return folders;
    const available = folders.map(({ version }) => version);
    for (const version of missingVersions(config?.version_policy, available)) {
      this.logger.warn({ message: 'a version of the policy has no folder', model, version });
    }
    const wanted = chooseVersions(config?.version_policy, available);
    return folders.filter(({ version }) => wanted.includes(version));
  }
}

/** What a caller has a model loaded with, in place of its own configuration. */
export interface ConfigOverride {
  readonly config: ModelConfig;
  /** Of its own for every load. */
  readonly id: string;
}

type ReadConfig = { readonly config: ModelConfig | undefined } | { readonly failure: Error };

async function readConfig(folder: ModelFolder): Promise<ReadConfig> {
  const path = await folder.locate(MODEL_CONFIG).catch(() => undefined);
  if (path === undefined) return { config: undefined };
  const shown = join(folder.folder, MODEL_CONFIG);
  try {
    return { config: readModelConfig(await readFile(path, 'utf8'), shown) };
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    return { failure: code === undefined ? (thrown as Error) : new Error(`${shown}: cannot be read: ${code}`) };
  }
}

/** The files of a model that all its versions are made of. */
function ownFiles(config: ModelConfig | undefined): string[] {
  if (config === undefined) return [MODEL_CONFIG, LABELS];
  const labels = config.output.flatMap(({ label_filename: file }) => (file === '' ? [] : [file]));
  const samples = config.model_warmup.flatMap(({ inputs }) =>
    Object.values(inputs).flatMap(({ input_data_file: file }) => (file === undefined ? [] : [join('warmup', file)])),
  );
  const states = (config.sequence_batching?.state ?? []).flatMap(({ initial_state }) =>
    initial_state.flatMap(({ data_file: file }) => (file === undefined ? [] : [join('initial_state', file)])),
  );
  return [MODEL_CONFIG, LABELS, ...labels, ...samples, ...states];
}

/** The models that an ensemble calls. */
export const dependenciesOf = (config: ModelConfig | undefined): string[] => [
  ...new Set((config?.ensemble_scheduling?.step ?? []).map(({ model_name }) => model_name)),
];

import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import type { InferContext } from '../../core/inference/context.js';
import type { ModelClient } from '../../core/model/model-client.js';
import type { OpenedModel } from '../../engine/execution/model-opener.js';
import { withContentTypes } from '../../engine/registry/content-typed.js';
import type { VersionCandidate } from '../../engine/registry/model-source.js';
import type { RuntimeExplorer } from '../../engine/registry/runtime-explorer.js';
import type { ArtifactOpener } from '../artifacts/artifact-opener.js';
import type { FoundVersion } from '../artifacts/found-version.js';
import { ModelFolder } from '../artifacts/model-folder.js';
import { findModelSettings } from '../layouts/mlserver/find-model-settings.js';
import { resolveModelUri } from '../layouts/mlserver/model-uri.js';
import { MODEL_SETTINGS, type ModelSettings, readModelSettings } from '../layouts/mlserver/read-model-settings.js';
import { settingsContentTypes } from '../layouts/mlserver/settings-content-types.js';
import { settingsConfig } from '../layouts/mlserver/settings-config.js';
import { modelConfigOf } from '../layouts/triton/protocol-signature.js';
import { entriesOf, fingerprint, LookLimit } from '../layouts/version-folders.js';
import type { CodeSource } from './code-source.js';
import type { ConfigOverride } from './folder-source.js';
import type { ConfigurableSource } from './model-catalogue.js';
import { SharedLook } from './shared-look.js';

/** What opens the models of the settings. */
export interface Implementations {
  readonly opener: ArtifactOpener;
  readonly runtimes: Pick<RuntimeExplorer, 'backends' | 'named'>;
  readonly code: Pick<CodeSource, 'names'>;
  readonly models: ModelClient;
}

interface Settled {
  /** Relative to the repository. */
  readonly folder: string;
  readonly name: string;
  readonly version: string;
  /** Why the settings cannot be read stands in their place. */
  readonly settings: ModelSettings | Error;
}

/** The version of a model whose settings name none. */
const UNVERSIONED = '1';

/** The models of one repository in the layout of MLServer: each folder with settings, at any depth, is a version. */
export class SettingsSource implements ConfigurableSource {
  private readonly looked = new SharedLook(() => this.look());

  constructor(
    private readonly root: string,
    private readonly implementations: Implementations,
    private readonly maxEntries: number,
    /** The folders outside that links may lead to: for artifacts, so that settings out there are no second model. */
    private readonly linkTargets: readonly string[] = [],
  ) {}

  async names(): Promise<readonly string[]> {
    return [...new Set((await this.all()).map(({ name }) => name))];
  }

  async versions(name: string, override?: ConfigOverride): Promise<readonly VersionCandidate[] | undefined> {
    const settled = (await this.all()).filter((each) => each.name === name);
    if (settled.length === 0) return undefined;
    return Promise.all(settled.map((each) => this.candidate(each, override)));
  }

  /** One version in two folders. */
  async twice(): Promise<ReadonlyMap<string, string>> {
    const first = new Map<string, Settled>();
    const reasons = new Map<string, string>();
    for (const settled of await this.all()) {
      const { name, version } = settled;
      const key = JSON.stringify([name, version]);
      const other = first.get(key);
      if (other === undefined) first.set(key, settled);
      else {
        const [one, two] = [other, settled].map(({ folder }) => `folder ${join(this.root, folder)}`);
        reasons.set(
          name,
          `model '${name}' stands twice, as ${one} and as ${two}: rename one, or give it a version of its own`,
        );
      }
    }
    return reasons;
  }

  async describe(name: string): Promise<string> {
    const folders = (await this.all())
      .filter((each) => each.name === name)
      .map(({ folder }) => join(this.root, folder));
    return `folder ${folders.join(', ')}`;
  }

  private all(): Promise<readonly Settled[]> {
    return this.looked.take();
  }

  private async look(): Promise<readonly Settled[]> {
    const folders = await findModelSettings(this.root, new LookLimit(this.maxEntries));
    return Promise.all(folders.map((folder) => this.read(folder)));
  }

  private async read(folder: string): Promise<Settled> {
    const fallback = basename(join(this.root, folder));
    try {
      const text = await readFile(await new ModelFolder(this.root, folder).locate(MODEL_SETTINGS), 'utf8');
      const settings = readModelSettings(text, join(folder, MODEL_SETTINGS), fallback);
      return { folder, name: settings.name, version: settings.parameters.version || UNVERSIONED, settings };
    } catch (failure) {
      return { folder, name: fallback, version: UNVERSIONED, settings: failure as Error };
    }
  }

  private async candidate(settled: Settled, override: ConfigOverride | undefined): Promise<VersionCandidate> {
    const { folder, version, settings } = settled;
    const own = join(this.root, folder, MODEL_SETTINGS);
    try {
      if (settings instanceof Error) throw settings;
      const { implementation } = settings;
      const runtime = this.runtimeOf(implementation);
      if (runtime !== undefined) return await this.ofArtifact(settled, settings, runtime, override);
      if ((await this.implementations.code.names()).includes(implementation)) {
        return this.ofClass(settled, implementation, await fingerprint([own]));
      }
      throw new Error(this.unknown(folder, implementation));
    } catch (thrown) {
      const failure = thrown as Error;
      const print = `${await fingerprint([own])} ${failure.message}`;
      return { version, platform: '', fingerprint: print, open: () => Promise.reject(failure) };
    }
  }

  private runtimeOf(implementation: string): { readonly backend: string; readonly platform: string } | undefined {
    return [
      { backend: implementation, platform: '' },
      { backend: '', platform: implementation },
    ].find((names) => this.implementations.runtimes.named(names) !== undefined);
  }

  /** Names are looked up among what is registered; nothing is imported by them. */
  private unknown(folder: string, implementation: string): string {
    const known = this.implementations.runtimes.backends.join(', ');
    return (
      `${join(folder, MODEL_SETTINGS)}: implementation: '${implementation}' is no runtime of this server, and no model ` +
      `in code: use one of ${known}, or the name of a class behind @Model`
    );
  }

  private async ofArtifact(
    { folder, name, version }: Settled,
    settings: ModelSettings,
    runtime: { readonly backend: string; readonly platform: string },
    override: ConfigOverride | undefined,
  ): Promise<VersionCandidate> {
    const { uri } = settings.parameters;
    const target = await resolveModelUri(this.root, folder, uri, this.linkTargets);
    const isFolder = (await stat(target)).isDirectory();
    const place = isFolder ? target : dirname(target);
    const files = (await entriesOf(this.root, place, new LookLimit(this.maxEntries, this.linkTargets))).map(
      (entry) => entry.name,
    );
    const base = settingsConfig(settings, runtime);
    const config =
      override === undefined ? base : { ...override.config, ...(hasRuntime(override.config) ? {} : runtime) };
    const found: FoundVersion = {
      name,
      version,
      folder: new ModelFolder(this.root, relative(this.root, place), this.linkTargets),
      place: '',
      files,
      file: isFolder ? undefined : basename(target),
      config,
      configPath: override === undefined ? join(folder, MODEL_SETTINGS) : 'config',
    };
    const parts = [join(this.root, folder, MODEL_SETTINGS), ...files.toSorted().map((file) => join(place, file))];
    return {
      version,
      platform: this.implementations.opener.platformOf(found),
      fingerprint: `${await fingerprint(parts)} ${override?.id ?? ''}`,
      open: async (context) =>
        withContentTypes(await this.implementations.opener.open(found, context), settingsContentTypes(settings)),
    };
  }

  /** A class under another name: it is loaded once, under its own. */
  private ofClass({ name, version }: Settled, model: string, print: string): VersionCandidate {
    const platform = 'nestjs';
    return {
      version,
      platform,
      fingerprint: print,
      dependsOn: [model],
      open: async () => this.openClass(name, model, platform),
    };
  }

  private openClass(name: string, model: string, platform: string): OpenedModel {
    const { models } = this.implementations;
    const described = models.describe(model);
    if (described === undefined) throw new Error(`implementation: model '${model}' is not loaded`);
    const { inputs, outputs, maxBatchSize, decoupled } = described;
    if (decoupled) throw new Error(`implementation: model '${model}' streams, and can only be called by its own name`);
    return {
      inputs,
      outputs,
      dependsOn: [model],
      scheduling: { maxBatchSize },
      config: modelConfigOf(described, { name, platform, backend: platform, maxBatchSize }),
      model: {
        infer: async (given, context) => {
          const caller = context as InferContext;
          return models.infer(model, given, caller, { parameters: caller.parameters });
        },
      },
    };
  }
}

const hasRuntime = ({ backend, platform }: { readonly backend: string; readonly platform: string }): boolean =>
  backend !== '' || platform !== '';

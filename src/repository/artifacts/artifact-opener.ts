import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import type { LoadContext } from '../../core/inference/context.js';
import type { ModelConfig } from '../../core/model/model-config.js';
import type { NamedSpec } from '../../core/model/signature.js';
import { ModelOpener, type OpenedModel } from '../../engine/execution/model-opener.js';
import type { TensorAdaptation } from '../../engine/execution/tensor-adaptation.js';
import { RuntimeExplorer } from '../../engine/registry/runtime-explorer.js';
import { LABELS } from '../layouts/version-folders.js';
import { autoComplete } from '../layouts/triton/auto-complete.js';
import { checkModelConfig } from '../layouts/triton/check-model-config.js';
import { parseLabels } from '../layouts/triton/label-file.js';
import { toModelConfig } from '../layouts/triton/model-config-schema.js';
import { type ProtocolSignature, protocolSignature } from '../layouts/triton/protocol-signature.js';
import { instancesOf, schedulingOptions } from '../layouts/triton/scheduling-options.js';
import { RepositoryConfig } from '../repository.config.js';
import { checkDigests } from './check-digests.js';
import { type ChosenRuntime, chooseRuntime } from './choose-runtime.js';
import type { FoundVersion } from './found-version.js';
import { readInitialStates } from './initial-states.js';
import { readWarmUpSamples } from './warm-up-samples.js';

/** Opens what lies in a repository as a model that serves what its configuration says. */
@Injectable()
export class ArtifactOpener {
  constructor(
    private readonly runtimes: RuntimeExplorer,
    private readonly opener: ModelOpener,
    private readonly config: RepositoryConfig,
  ) {}

  /** The platform in the metadata; empty where nothing can open the version, for which there is a reason to come. */
  platformOf(found: FoundVersion): string {
    try {
      return chooseRuntime(found, this.runtimes).claim.platform;
    } catch {
      return '';
    }
  }

  async open(found: FoundVersion, context: LoadContext): Promise<OpenedModel> {
    const { name, version, config, configPath } = found;
    if (config !== undefined) checkModelConfig(config, { path: configPath, folder: name });
    const chosen = chooseRuntime(found, this.runtimes);
    await checkDigests(found, this.config.REQUIRE_MODEL_DIGESTS);
    const instances = config === undefined ? undefined : instancesOf(config);
    const artifact = {
      name,
      version,
      path: await pathOf(found, chosen.file),
      ...(config === undefined ? {} : { config }),
      ...(instances === undefined ? {} : { instances }),
    };
    const loaded = await chosen.runtime.load(artifact, context);
    const opened = await this.opener.openArtifact(loaded, context);
    try {
      return await this.complete(found, chosen, opened);
    } catch (failure) {
      await opened.model.unload?.();
      throw failure;
    }
  }

  private async complete(found: FoundVersion, chosen: ChosenRuntime, opened: OpenedModel): Promise<OpenedModel> {
    const { folder } = found;
    const config = this.completeConfig(found, chosen, opened);
    const { inputs, outputs, reshapes } = protocolSignature(config);
    const states = await readInitialStates(config, folder);
    const hidden = opened.inputs.filter((spec) => !spec.optional && !inputs.some(({ name }) => name === spec.name));
    return {
      ...opened,
      inputs,
      outputs: await withLabels(outputs, config, found),
      config,
      scheduling: schedulingOptions({ ...config, instance_group: found.config?.instance_group ?? [] }, states),
      adaptation: adaptationOf(config, reshapes, opened),
      samples: await readWarmUpSamples(config, hidden, folder),
    };
  }

  /** An ensemble has no tensors of its own that could complete it. */
  private completeConfig(found: FoundVersion, { claim, file }: ChosenRuntime, opened: OpenedModel): ModelConfig {
    const { name, config, configPath } = found;
    if (config?.ensemble_scheduling !== undefined) {
      return toModelConfig({
        ...config,
        name,
        version_policy: config.version_policy ?? { latest: { num_versions: 1 } },
      });
    }
    const threads = opened.executor?.free;
    const completed = autoComplete(config, opened, {
      name,
      platform: claim.platform,
      backend: claim.backend,
      defaultModelFilename: file,
      defaultMaxBatchSize: this.config.DEFAULT_MAX_BATCH_SIZE,
      ...(threads === undefined ? {} : { defaultInstances: threads }),
    });
    if (config !== undefined) checkModelConfig(completed, { path: configPath, folder: name });
    return completed;
  }
}

/** A link that leads out of the repository is as good as absent; so is what came in its place since it was looked up. */
async function pathOf({ version, folder, place, files }: FoundVersion, file: string): Promise<string> {
  if (files.includes(file)) return folder.locate(join(place, file));
  const path = join(folder.path, place, file);
  if (file !== '' && (await lstat(path).catch(() => undefined)) !== undefined) {
    throw new Error(`'${file}' of version ${version} is not in the repository: put the file there, not a link`);
  }
  return path;
}

/** `undefined` where the model's tensors are the signature's. */
function adaptationOf(
  config: ModelConfig,
  { inputs, outputs }: ProtocolSignature['reshapes'],
  opened: OpenedModel,
): TensorAdaptation | undefined {
  const states = (config.sequence_batching?.state ?? []).map(({ output_name }) => output_name);
  const kept = new Set([...config.output.map(({ name }) => name), ...states]);
  const hasAll = opened.outputs.every(({ name }) => kept.has(name));
  return hasAll && inputs.length === 0 && outputs.length === 0 ? undefined : { inputs, outputs, kept };
}

/**
 * Labels name the classes of an output: those of the file that the configuration names. Without a configuration there
 * is one file for the outputs that are as wide as it is long.
 */
async function withLabels(
  outputs: readonly NamedSpec[],
  config: ModelConfig,
  { folder, config: written }: FoundVersion,
): Promise<NamedSpec[]> {
  const text = written === undefined ? await folder.readIfThere(LABELS) : undefined;
  const shared = parseLabels(text?.toString('utf8') ?? '');
  return Promise.all(
    outputs.map(async (output, index) => {
      const filename = config.output[index]?.label_filename ?? '';
      if (filename !== '') return { ...output, labels: parseLabels((await folder.read(filename)).toString('utf8')) };
      return shared.length > 0 && output.shape.at(-1) === shared.length ? { ...output, labels: shared } : output;
    }),
  );
}

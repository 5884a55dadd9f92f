import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { invalidArgument } from '../../core/errors/catalogue.js';
import type { InferenceCall } from '../../core/inference/call.js';
import { ModelAccess } from '../../core/inference/model-access.js';
import type { VersionCandidate } from '../../engine/registry/model-source.js';
import { ArtifactOpener } from '../artifacts/artifact-opener.js';
import { readConfigOverride } from '../layouts/triton/config-from-json.js';
import { BringUp } from '../loading/bring-up.js';
import { CodeSource } from '../sources/code-source.js';
import { type ConfigOverride, dependenciesOf, FolderSource } from '../sources/folder-source.js';
import type { LoadParameters } from './control-parameters.js';
import { Uploads } from './uploads.js';

/**
 * Loads on request. What a load brings along stands in for what lies in the repository until the next load that brings
 * nothing, or until the model is unloaded.
 */
@Injectable()
export class RequestedLoads {
  private readonly logger = new Logger('Repository');

  constructor(
    private readonly bringUp: BringUp,
    private readonly code: CodeSource,
    private readonly opener: ArtifactOpener,
    private readonly uploads: Uploads,
    private readonly access: ModelAccess,
  ) {}

  /** An ensemble that a caller brings along calls no model that the caller may not. */
  async load(call: InferenceCall, model: string, { config: text, files }: LoadParameters): Promise<void> {
    const override = text === undefined ? undefined : this.readOverride(text, model);
    if (override !== undefined && (await this.code.names()).includes(model)) {
      throw invalidArgument(
        `failed to load '${model}': it is written in code, and takes no configuration: load it plainly`,
      );
    }
    const dependsOn = override === undefined ? undefined : dependenciesOf(override.config);
    for (const called of dependsOn ?? []) await this.access.check(call, 'inference', called);
    let replaced: readonly string[] = [];
    let own: readonly string[] = [];
    try {
      await this.bringUp.one(model, {
        candidates: async () => {
          replaced = this.uploads.of(model);
          if (override === undefined || files.size === 0) return this.bringUp.candidates(model, override);
          const root = await this.uploads.write(model, files);
          own = [root];
          return this.uploaded(model, root, override);
        },
        ...(dependsOn === undefined ? {} : { dependsOn }),
      });
      await this.uploads.remove(model, replaced);
    } catch (failure) {
      await this.uploads.remove(model, own);
      throw failure;
    }
  }

  /** What was brought along goes with the model. */
  async forget(model: string): Promise<void> {
    await this.uploads.remove(model, this.uploads.of(model));
  }

  private readOverride(text: string, model: string): ConfigOverride {
    try {
      return { config: readConfigOverride(text, model), id: randomUUID() };
    } catch (failure) {
      this.logger.warn({ message: 'a load was refused', model, reason: (failure as Error).message });
      throw failure;
    }
  }

  private async uploaded(model: string, root: string, override: ConfigOverride): Promise<readonly VersionCandidate[]> {
    // What a request brings along is bounded by the size of the request.
    const candidates = (await new FolderSource(root, this.opener, Infinity).versions(model, override)) ?? [];
    if (candidates.length > 0) return candidates;
    throw invalidArgument(
      `failed to load '${model}': the files make no version that its version_policy serves: write file:<version>/<name>`,
    );
  }
}

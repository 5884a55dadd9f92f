import { Injectable } from '@nestjs/common';
import type { OpenedModel } from '../../engine/execution/model-opener.js';
import { ModelExplorer } from '../../engine/registry/model-explorer.js';
import type { ModelSource, VersionCandidate } from '../../engine/registry/model-source.js';
import { modelConfigOf } from '../layouts/triton/protocol-signature.js';
import { dynamicBatchingOf, sequenceBatchingOf } from './scheduling-config.js';

/** The models that are written in code, each with a configuration that says what its decorator does. */
@Injectable()
export class CodeSource implements ModelSource {
  constructor(private readonly code: ModelExplorer) {}

  names(): Promise<readonly string[]> {
    return this.code.names();
  }

  async versions(name: string): Promise<readonly VersionCandidate[] | undefined> {
    const candidates = await this.code.versions(name);
    return candidates?.map((candidate) => ({
      ...candidate,
      open: async (context) => {
        const opened = await candidate.open(context);
        return { ...opened, config: configOf(name, candidate.platform, opened) };
      },
    }));
  }

  describe(name: string): string {
    return this.code.describe(name);
  }
}

function configOf(name: string, platform: string, opened: OpenedModel) {
  const { scheduling = {}, executor, model } = opened;
  const { batching, instances, cache } = scheduling;
  const runs = executor ?? model;
  return modelConfigOf(opened, {
    name,
    platform,
    backend: platform,
    decoupled: runs.infer === undefined && runs.stream !== undefined,
    maxBatchSize: batching?.maxSize ?? 0,
    instances: executor?.free ?? instances ?? 1,
    dynamicBatching: dynamicBatchingOf(scheduling),
    sequenceBatching: sequenceBatchingOf(scheduling),
    cached: cache === true,
  });
}

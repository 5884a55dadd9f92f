import { Injectable } from '@nestjs/common';
import type { ModelDynamicBatching } from '../../core/model/model-config.js';
import type { BatchingOptions } from '../../core/model/scheduling.js';
import type { OpenedModel } from '../../engine/execution/model-opener.js';
import { ModelExplorer } from '../../engine/registry/model-explorer.js';
import type { ModelSource, VersionCandidate } from '../../engine/registry/model-source.js';
import type { Partly } from '../layouts/triton/model-config-schema.js';
import { modelConfigOf } from '../layouts/triton/protocol-signature.js';

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
  const { batching, instances } = scheduling;
  const runs = executor ?? model;
  return modelConfigOf(opened, {
    name,
    platform,
    backend: platform,
    decoupled: runs.infer === undefined && runs.stream !== undefined,
    maxBatchSize: batching?.maxSize ?? 0,
    instances: executor?.free ?? instances ?? 1,
    ...(batching === undefined ? {} : { dynamicBatching: dynamicBatchingOf(batching) }),
  });
}

const dynamicBatchingOf = (batching: BatchingOptions): Partly<ModelDynamicBatching> => ({
  preferred_batch_size: batching.preferredSizes ?? [],
  max_queue_delay_microseconds: Math.round((batching.maxDelayMs ?? 0) * 1_000),
  preserve_ordering: batching.preserveOrdering ?? false,
});

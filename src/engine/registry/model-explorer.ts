import { Injectable, type OnModuleInit } from '@nestjs/common';
import { modelMetadata, type ModelMetadata } from '../../core/model/model.decorator.js';
import type { ServableModel } from '../../core/model/provider.js';
import { ModelOpener } from '../execution/model-opener.js';
import type { ModelSource, VersionCandidate } from './model-source.js';
import { assertBatchable } from './batchable.js';
import { assertContentTyped, withContentTypes } from './content-typed.js';
import { assertPoolable } from './poolable.js';
import { type Discovered, ProviderDiscovery } from './provider-discovery.js';
import { assertSequenced, sequenceOf } from './sequenced.js';

/** The platform in the metadata of models that are written in code. */
const PLATFORM = 'nestjs';

/** The models that are written in code: every provider behind `@Model`. */
@Injectable()
export class ModelExplorer implements ModelSource, OnModuleInit {
  private readonly models = new Map<string, Discovered<ModelMetadata>[]>();

  constructor(
    private readonly discovery: ProviderDiscovery,
    private readonly opener: ModelOpener,
  ) {}

  onModuleInit(): void {
    for (const found of this.discovery.find('Model', modelMetadata)) this.add(found);
  }

  private add(found: Discovered<ModelMetadata>): void {
    const { name, version } = found.metadata;
    const model: ServableModel = found.instance;
    if (typeof model.infer !== 'function' && typeof model.stream !== 'function') {
      throw new Error(
        `${found.className} is behind @Model('${name}') but has no method infer or stream: add one of them`,
      );
    }
    assertPoolable(found);
    assertBatchable(found);
    assertSequenced(found);
    assertContentTyped(found);
    const versions = this.models.get(name) ?? [];
    const twin = versions.find((other) => other.metadata.version === version);
    if (twin !== undefined) {
      throw new Error(
        `${twin.className} and ${found.className} both serve model '${name}' version '${version}': ` +
          `give one of them another name, or another version by @Model({ name: '${name}', version: '2' }, …)`,
      );
    }
    this.models.set(name, [...versions, found]);
  }

  names(): Promise<readonly string[]> {
    return Promise.resolve([...this.models.keys()]);
  }

  versions(name: string): Promise<readonly VersionCandidate[] | undefined> {
    return Promise.resolve(this.models.get(name)?.map((found) => this.candidate(found)));
  }

  describe(name: string): string {
    return (
      this.models
        .get(name)
        ?.map(({ className }) => `class ${className}`)
        .join(', ') ?? 'no class'
    );
  }

  private candidate({ metadata, instance, className }: Discovered<ModelMetadata>): VersionCandidate {
    const { version, execution, signature, batching, queue, instances, cache, contentTypes } = metadata;
    const { inputs, outputs } = signature;
    const scheduling = { batching, sequence: sequenceOf(metadata), queue, instances, cache };
    return {
      version,
      platform: PLATFORM,
      fingerprint: className,
      open: async (context) => ({
        ...withContentTypes(
          await this.opener.openClass({ inputs, outputs, model: instance }, execution, context),
          contentTypes,
        ),
        scheduling,
      }),
    };
  }
}

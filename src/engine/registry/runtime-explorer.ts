import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { ModelRuntime } from '../../core/runtime/model-runtime.js';
import { type RuntimeClaim, runtimeClaim } from '../../core/runtime/runtime.decorator.js';
import { ProviderDiscovery } from './provider-discovery.js';

export interface RegisteredRuntime {
  readonly claim: RuntimeClaim;
  readonly runtime: ModelRuntime;
}

/** The runtimes that open models of the repository: every provider behind `@Runtime`. */
@Injectable()
export class RuntimeExplorer implements OnModuleInit {
  private readonly byArtifact = new Map<string, RegisteredRuntime>();

  constructor(private readonly discovery: ProviderDiscovery) {}

  onModuleInit(): void {
    for (const { metadata: claim, instance, className } of this.discovery.find('Runtime', runtimeClaim)) {
      const rival = this.byArtifact.get(claim.artifact);
      if (rival !== undefined) {
        throw new Error(
          `${className} and ${rival.runtime.constructor.name} both claim '${claim.artifact}': remove one from the providers`,
        );
      }
      this.byArtifact.set(claim.artifact, { claim, runtime: instance as ModelRuntime });
    }
  }

  /** The file names that make a version folder a model. */
  get artifacts(): readonly string[] {
    return [...this.byArtifact.keys()];
  }

  claiming(artifact: string): RegisteredRuntime | undefined {
    return this.byArtifact.get(artifact);
  }
}

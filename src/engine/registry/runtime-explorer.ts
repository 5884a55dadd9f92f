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

  /** The file names that make a version folder a model; a runtime that needs no file is found by its name alone. */
  get artifacts(): readonly string[] {
    return [...this.byArtifact.keys()].filter((artifact) => artifact !== '');
  }

  /** The names that a configuration may have as its backend. */
  get backends(): readonly string[] {
    return [...this.byArtifact.values()].map(({ claim }) => claim.backend);
  }

  claiming(artifact: string): RegisteredRuntime | undefined {
    return this.byArtifact.get(artifact);
  }

  /** The runtime that a configuration asks for; a name that nobody has registered opens nothing. */
  named({ backend, platform }: { readonly backend: string; readonly platform: string }): RegisteredRuntime | undefined {
    return [...this.byArtifact.values()].find(({ claim }) =>
      backend === '' ? claim.platform === platform : claim.backend === backend,
    );
  }
}

import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import type { InferenceStage } from '../core/inference/stage.js';
import { ModelClient } from '../core/model/model-client.js';
import { MemoryResponseCache } from './cache/memory-response-cache.js';
import { ResponseCache } from './cache/response-cache.js';
import { ModelOpener } from './execution/model-opener.js';
import { LoopDelay } from './lifecycle/loop-delay.js';
import { Readiness } from './lifecycle/readiness.js';
import { InferenceObservers } from './pipeline/inference-observers.js';
import { InferencePipeline, PIPELINE_STAGES } from './pipeline/inference-pipeline.js';
import { SharedTensorPort } from './pipeline/shared-tensors.js';
import { LocalModelClient } from './pipeline/local-model-client.js';
import { ModelExplorer } from './registry/model-explorer.js';
import { ModelLoader } from './registry/model-loader.js';
import { ModelRegistry } from './registry/model-registry.js';
import { ProviderDiscovery } from './registry/provider-discovery.js';
import { RuntimeExplorer } from './registry/runtime-explorer.js';

export interface EngineOptions {
  /** The stages that every inference goes through before it is scheduled, outermost first; they inject what they need. */
  readonly stages: readonly Type<InferenceStage>[];
}

/** What happens between a decoded request and its response; it knows neither wire nor controller. */
@Module({})
export class EngineModule {
  static forRoot({ stages }: EngineOptions): DynamicModule {
    return {
      module: EngineModule,
      global: true,
      imports: [DiscoveryModule],
      providers: [
        ModelRegistry,
        ModelLoader,
        ModelOpener,
        ModelExplorer,
        ProviderDiscovery,
        RuntimeExplorer,
        Readiness,
        LoopDelay,
        InferenceObservers,
        InferencePipeline,
        SharedTensorPort,
        ...stages,
        { provide: PIPELINE_STAGES, useFactory: (...made: InferenceStage[]) => made, inject: [...stages] },
        { provide: ResponseCache, useClass: MemoryResponseCache },
        { provide: ModelClient, useClass: LocalModelClient },
      ],
      exports: [
        ModelRegistry,
        ModelLoader,
        ModelOpener,
        ModelExplorer,
        RuntimeExplorer,
        Readiness,
        LoopDelay,
        InferencePipeline,
        InferenceObservers,
        SharedTensorPort,
        ResponseCache,
        ModelClient,
        ...stages,
      ],
    };
  }
}

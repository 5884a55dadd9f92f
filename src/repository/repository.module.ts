import { resolve } from 'node:path';
import { Module } from '@nestjs/common';
import { ModelClient } from '../core/model/model-client.js';
import { RuntimeExplorer } from '../engine/registry/runtime-explorer.js';
import { Extension } from '../protocol/extension.decorator.js';
import { ArtifactOpener } from './artifacts/artifact-opener.js';
import { RequestedLoads } from './control/requested-loads.js';
import { Uploads } from './control/uploads.js';
import { BringUp } from './loading/bring-up.js';
import { RepositoryPoller } from './loading/repository-poller.js';
import { StartupLoader } from './loading/startup-loader.js';
import { RepositoryConfig } from './repository.config.js';
import { RepositoryGrpcController } from './repository.grpc.controller.js';
import { RepositoryRestController } from './repository.rest.controller.js';
import { RepositoryService } from './repository.service.js';
import { CodeSource } from './sources/code-source.js';
import { FolderSource } from './sources/folder-source.js';
import { ModelCatalogue, REPOSITORIES } from './sources/model-catalogue.js';
import { SettingsSource } from './sources/settings-source.js';

/** RepositoryIndex, RepositoryModelLoad, RepositoryModelUnload, and the models of the start. */
@Extension('model_repository', 'model_repository(unload_dependents)')
@Module({
  controllers: [RepositoryGrpcController, RepositoryRestController],
  providers: [
    ArtifactOpener,
    CodeSource,
    {
      provide: REPOSITORIES,
      useFactory: (
        { MODEL_REPOSITORY, REPOSITORY_MAX_ENTRIES, REPOSITORY_LINK_TARGETS }: RepositoryConfig,
        opener: ArtifactOpener,
        runtimes: RuntimeExplorer,
        code: CodeSource,
        models: ModelClient,
      ) => {
        const linkTargets = REPOSITORY_LINK_TARGETS.map((path) => resolve(path));
        return [...new Set(MODEL_REPOSITORY.map((path) => resolve(path)))].flatMap((root) => [
          new FolderSource(root, opener, REPOSITORY_MAX_ENTRIES, linkTargets),
          new SettingsSource(root, { opener, runtimes, code, models }, REPOSITORY_MAX_ENTRIES, linkTargets),
        ]);
      },
      inject: [RepositoryConfig, ArtifactOpener, RuntimeExplorer, CodeSource, ModelClient],
    },
    ModelCatalogue,
    BringUp,
    Uploads,
    RequestedLoads,
    RepositoryService,
    RepositoryPoller,
    StartupLoader,
  ],
})
export class RepositoryModule {}

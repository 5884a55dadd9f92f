import { Module } from '@nestjs/common';
import { Extension } from '../protocol/extension.decorator.js';
import { FolderSource } from './folder-source.js';
import { ModelCatalogue } from './model-catalogue.js';
import { RepositoryGrpcController } from './repository.grpc.controller.js';
import { RepositoryRestController } from './repository.rest.controller.js';
import { RepositoryService } from './repository.service.js';
import { StartupLoader } from './startup-loader.js';

/** RepositoryIndex, RepositoryModelLoad, RepositoryModelUnload, and the models of the start. */
@Extension('model_repository')
@Module({
  controllers: [RepositoryGrpcController, RepositoryRestController],
  providers: [FolderSource, ModelCatalogue, RepositoryService, StartupLoader],
})
export class RepositoryModule {}

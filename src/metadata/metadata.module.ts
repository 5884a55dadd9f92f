import { Module } from '@nestjs/common';
import { Extension } from '../protocol/extension.decorator.js';
import { MetadataGrpcController } from './metadata.grpc.controller.js';
import { MetadataRestController } from './metadata.rest.controller.js';
import { MetadataService } from './metadata.service.js';

/** ServerMetadata, ModelMetadata and ModelConfig. */
@Extension('model_configuration')
@Module({ controllers: [MetadataGrpcController, MetadataRestController], providers: [MetadataService] })
export class MetadataModule {}

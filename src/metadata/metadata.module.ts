import { Module } from '@nestjs/common';
import { MetadataGrpcController } from './metadata.grpc.controller.js';
import { MetadataRestController } from './metadata.rest.controller.js';
import { MetadataService } from './metadata.service.js';

/** ServerMetadata and ModelMetadata. */
@Module({ controllers: [MetadataGrpcController, MetadataRestController], providers: [MetadataService] })
export class MetadataModule {}

import { Module } from '@nestjs/common';
import { GrpcHealthController } from './grpc-health.grpc.controller.js';
import { HealthGrpcController } from './health.grpc.controller.js';
import { HealthRestController } from './health.rest.controller.js';
import { HealthService } from './health.service.js';

/** ServerLive, ServerReady, ModelReady, and the health protocol of gRPC. */
@Module({
  controllers: [HealthGrpcController, GrpcHealthController, HealthRestController],
  providers: [HealthService],
})
export class HealthModule {}

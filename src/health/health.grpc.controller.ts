import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import { Family, Public } from '../protocol/call/operation.decorator.js';
import type { ModelVersionRequest } from '../protocol/grpc/messages.js';
import { HealthService } from './health.service.js';

@Family('health')
@Controller()
export class HealthGrpcController {
  constructor(private readonly health: HealthService) {}

  @Public()
  @GrpcMethod('GRPCInferenceService', 'ServerLive')
  serverLive() {
    return { live: true };
  }

  @Public()
  @GrpcMethod('GRPCInferenceService', 'ServerReady')
  serverReady() {
    return { ready: this.health.ready };
  }

  @GrpcMethod('GRPCInferenceService', 'ModelReady')
  modelReady(@Payload() { name = '', version = '' }: ModelVersionRequest) {
    return { ready: this.health.isModelReady(name, version) };
  }
}

import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import { Family } from '../../../protocol/call/operation.decorator.js';
import { CudaSharedMemoryService } from './cuda-shared-memory.service.js';

interface NamedRequest {
  readonly name?: string;
}

@Family('shared-memory')
@Controller()
export class CudaSharedMemoryGrpcController {
  constructor(private readonly memory: CudaSharedMemoryService) {}

  @GrpcMethod('GRPCInferenceService', 'CudaSharedMemoryStatus')
  status(@Payload() { name = '' }: NamedRequest) {
    return { regions: Object.fromEntries(this.memory.status(name)) };
  }

  @GrpcMethod('GRPCInferenceService', 'CudaSharedMemoryRegister')
  register(@Payload() { name = '' }: NamedRequest) {
    return this.memory.register(name);
  }

  @GrpcMethod('GRPCInferenceService', 'CudaSharedMemoryUnregister')
  unregister() {
    this.memory.unregister();
    return {};
  }
}

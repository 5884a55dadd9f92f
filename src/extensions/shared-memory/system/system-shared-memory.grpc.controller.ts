import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import { Call, CallContext } from '../../../protocol/call/call-context.js';
import { Family } from '../../../protocol/call/operation.decorator.js';
import { SystemSharedMemoryService } from './system-shared-memory.service.js';

interface NamedRequest {
  readonly name?: string;
}

interface RegisterRequest extends NamedRequest {
  readonly key?: string;
  /** 64-bit integers come as decimal text. */
  readonly offset?: string;
  readonly byte_size?: string;
}

@Family('shared-memory')
@Controller()
export class SystemSharedMemoryGrpcController {
  constructor(private readonly memory: SystemSharedMemoryService) {}

  @GrpcMethod('GRPCInferenceService', 'SystemSharedMemoryStatus')
  status(@Payload() { name = '' }: NamedRequest, @Call() call: CallContext) {
    const regions = this.memory.status(call, name).map((region) => {
      const { byteSize: byte_size, ...status } = region;
      return [region.name, { ...status, byte_size }] as const;
    });
    return { regions: Object.fromEntries(regions) };
  }

  @GrpcMethod('GRPCInferenceService', 'SystemSharedMemoryRegister')
  register(@Payload() request: RegisterRequest, @Call() call: CallContext) {
    const { name = '', key = '', offset = '0', byte_size = '0' } = request;
    this.memory.register(call, { name, key, offset: Number(offset), byteSize: Number(byte_size) });
    return {};
  }

  @GrpcMethod('GRPCInferenceService', 'SystemSharedMemoryUnregister')
  unregister(@Payload() { name = '' }: NamedRequest, @Call() call: CallContext) {
    this.memory.unregister(call, name);
    return {};
  }
}

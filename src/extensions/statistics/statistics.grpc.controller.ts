import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import { Call, CallContext } from '../../protocol/call/call-context.js';
import { Family } from '../../protocol/call/operation.decorator.js';
import type { ModelVersionRequest } from '../../protocol/grpc/messages.js';
import { StatisticsService } from './statistics.service.js';

@Family('statistics')
@Controller()
export class StatisticsGrpcController {
  constructor(private readonly statistics: StatisticsService) {}

  @GrpcMethod('GRPCInferenceService', 'ModelStatistics')
  modelStatistics(@Payload() { name = '', version = '' }: ModelVersionRequest, @Call() call: CallContext) {
    return this.statistics.report(call, name, version);
  }
}

import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import { Call, CallContext } from '../../protocol/call/call-context.js';
import { Family } from '../../protocol/call/operation.decorator.js';
import { TraceService } from './trace.service.js';

interface SettingValue {
  readonly value?: readonly string[];
}

interface TraceSettingRequest {
  readonly settings?: Readonly<Record<string, SettingValue>>;
  readonly model_name?: string;
}

@Family('trace')
@Controller()
export class TraceGrpcController {
  constructor(private readonly trace: TraceService) {}

  @GrpcMethod('GRPCInferenceService', 'TraceSetting')
  async traceSetting(@Payload() { settings = {}, model_name = '' }: TraceSettingRequest, @Call() call: CallContext) {
    const given = Object.entries(settings).map(([name, { value = [] }]) => [name, value] as const);
    const report = Object.entries(await this.trace.update(call, model_name, given));
    return { settings: Object.fromEntries(report.map(([name, value]) => [name, { value }])) };
  }
}

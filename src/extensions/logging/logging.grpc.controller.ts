import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import { Call, CallContext } from '../../protocol/call/call-context.js';
import { Family } from '../../protocol/call/operation.decorator.js';
import type { WrongKind } from './log-change.js';
import { LoggingService } from './logging.service.js';

interface SettingValue {
  readonly bool_param?: boolean;
  readonly uint32_param?: number;
  readonly string_param?: string;
}

interface LogSettingsRequest {
  readonly settings?: Readonly<Record<string, SettingValue>>;
}

@Family('logging')
@Controller()
export class LoggingGrpcController {
  constructor(private readonly logging: LoggingService) {}

  @GrpcMethod('GRPCInferenceService', 'LogSettings')
  async logSettings(@Payload() { settings = {} }: LogSettingsRequest, @Call() call: CallContext) {
    const given = Object.entries(settings).map(([name, value]) => [name, valueOf(value)] as const);
    const report = Object.entries(await this.logging.update(call, given, wrongKind));
    return { settings: Object.fromEntries(report.map(([name, value]) => [name, toMessage(value)])) };
  }
}

const valueOf = ({ bool_param, uint32_param, string_param }: SettingValue): unknown =>
  bool_param ?? uint32_param ?? string_param;

function toMessage(value: boolean | number | string): SettingValue {
  if (typeof value === 'boolean') return { bool_param: value };
  return typeof value === 'number' ? { uint32_param: value } : { string_param: value };
}

const WORDS = { boolean: 'boolean', integer: 'int32', string: 'string' } as const;

const wrongKind: WrongKind = (name, kind) => `expect ${WORDS[kind]} for '${name}'`;

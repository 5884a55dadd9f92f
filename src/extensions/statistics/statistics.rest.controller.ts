import { Controller, Get, Param } from '@nestjs/common';
import { Call, CallContext } from '../../protocol/call/call-context.js';
import { Family } from '../../protocol/call/operation.decorator.js';
import { StatisticsService } from './statistics.service.js';

@Family('statistics')
@Controller('v2/models')
export class StatisticsRestController {
  constructor(private readonly statistics: StatisticsService) {}

  @Get(['stats', ':model/stats', ':model/versions/:version/stats'])
  modelStatistics(@Call() call: CallContext, @Param('model') name = '', @Param('version') version = '') {
    return this.statistics.report(call, name, version);
  }
}

import { Controller, Get, Param } from '@nestjs/common';
import { Call, CallContext } from '../../protocol/call/call-context.js';
import { Family } from '../../protocol/call/operation.decorator.js';
import { Describe, json } from '../../protocol/rest/api/describe.decorator.js';
import { STATISTICS } from './statistics-schemas.js';
import { StatisticsService } from './statistics.service.js';

@Family('statistics')
@Controller('v2/models')
export class StatisticsRestController {
  constructor(private readonly statistics: StatisticsService) {}

  @Get(['stats', ':model/stats', ':model/versions/:version/stats'])
  @Describe({ summary: 'How often models ran, and how long it took', response: json(STATISTICS) })
  modelStatistics(@Call() call: CallContext, @Param('model') name = '', @Param('version') version = '') {
    return this.statistics.report(call, name, version);
  }
}

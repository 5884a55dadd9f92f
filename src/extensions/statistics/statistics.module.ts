import { Module } from '@nestjs/common';
import { Extension } from '../../protocol/extension.decorator.js';
import { StatisticsObserver } from './statistics-observer.js';
import { StatisticsGrpcController } from './statistics.grpc.controller.js';
import { StatisticsRestController } from './statistics.rest.controller.js';
import { StatisticsService } from './statistics.service.js';

/** ModelStatistics: how often models ran, on how many rows, and how long each part took. */
@Extension('statistics')
@Module({
  controllers: [StatisticsGrpcController, StatisticsRestController],
  providers: [StatisticsObserver, StatisticsService],
})
export class StatisticsModule {}

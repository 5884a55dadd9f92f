import { Module } from '@nestjs/common';
import { Extension } from '../../protocol/extension.decorator.js';
import { LoggingGrpcController } from './logging.grpc.controller.js';
import { LoggingRestController } from './logging.rest.controller.js';
import { LoggingService } from './logging.service.js';

/** LogSettings: what the server logs, changed while it runs. */
@Extension('logging')
@Module({
  controllers: [LoggingGrpcController, LoggingRestController],
  providers: [LoggingService],
})
export class LoggingModule {}

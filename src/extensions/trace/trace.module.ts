import { Module } from '@nestjs/common';
import { Extension } from '../../protocol/extension.decorator.js';
import { openTraceSink } from './output/open-trace-sink.js';
import { TraceSink } from './output/trace-sink.js';
import { TraceConfig } from './trace.config.js';
import { TraceGrpcController } from './trace.grpc.controller.js';
import { TraceRestController } from './trace.rest.controller.js';
import { TraceService } from './trace.service.js';

/** TraceSetting: which requests are traced on their way through the server, and what of them. */
@Extension('trace')
@Module({
  controllers: [TraceGrpcController, TraceRestController],
  providers: [TraceService, { provide: TraceSink, useFactory: openTraceSink, inject: [TraceConfig] }],
})
export class TraceModule {}

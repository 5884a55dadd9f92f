import { Module } from '@nestjs/common';
import { CallObserver } from '../protocol/call/call-observer.js';
import { AccessLog } from './access-log.js';
import { StructuredLogger } from './structured-logger.js';

/** What the server tells of itself: its log, with a line for each call. */
@Module({
  providers: [StructuredLogger, { provide: CallObserver, useClass: AccessLog }],
  exports: [StructuredLogger, CallObserver],
})
export class ObservabilityModule {}

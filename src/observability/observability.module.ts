import { Global, Module } from '@nestjs/common';
import { ServerLog } from '../core/logging/server-log.js';
import { CallObserver } from '../protocol/call/call-observer.js';
import { AccessLog } from './access-log.js';
import { AuditLog } from './audit-log.js';
import { AuditSink } from './audit-sink.js';
import { CallObservers } from './call-observers.js';
import { StructuredLogger } from './structured-logger.js';

/** What the server tells of itself: its log, with a line for each call, and the record of changes and denials. */
@Global()
@Module({
  providers: [
    StructuredLogger,
    { provide: ServerLog, useExisting: StructuredLogger },
    AccessLog,
    AuditLog,
    AuditSink,
    CallObservers,
    { provide: CallObserver, useExisting: CallObservers },
  ],
  exports: [StructuredLogger, ServerLog, CallObserver],
})
export class ObservabilityModule {}

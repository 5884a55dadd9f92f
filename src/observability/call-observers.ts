import { Injectable } from '@nestjs/common';
import type { CallContext } from '../protocol/call/call-context.js';
import { CallObserver, type CallOutcome } from '../protocol/call/call-observer.js';
import { AccessLog } from './access-log.js';
import { AuditLog } from './audit-log.js';

/** Tells everyone who watches calls. */
@Injectable()
export class CallObservers extends CallObserver {
  constructor(
    private readonly accessLog: AccessLog,
    private readonly auditLog: AuditLog,
  ) {
    super();
  }

  finished(call: CallContext, outcome: CallOutcome): void {
    this.accessLog.finished(call, outcome);
    this.auditLog.finished(call, outcome);
  }
}

import { Injectable } from '@nestjs/common';
import { FileWatcher, type ReloadEvent } from '../config/file-watcher.js';
import type { CallContext } from '../protocol/call/call-context.js';
import { CallObserver, type CallOutcome } from '../protocol/call/call-observer.js';
import type { OperationFamily } from '../protocol/call/operation.decorator.js';
import { AuditSink } from './audit-sink.js';
import { escapeControls } from './control-characters.js';

/** The families whose operations change the server; looking alone is not recorded. */
const ADMINISTRATIVE: ReadonlySet<OperationFamily | undefined> = new Set<OperationFamily>([
  'model-repository',
  'shared-memory',
  'trace',
  'logging',
]);
const LOOKING = /^GET |(?:Index|Status)$|\/index$/;

/** The codes that a caller is turned away with. */
const DENIALS: ReadonlySet<CallOutcome['code']> = new Set<CallOutcome['code']>([
  'unauthenticated',
  'permission-denied',
]);

/**
 * Records every call that changes the server, every call that was denied, and every change of the files that decide
 * who may call. A record says who, what, about which model, and how it ended; never a credential or a tensor.
 */
@Injectable()
export class AuditLog extends CallObserver {
  constructor(
    private readonly sink: AuditSink,
    watcher: FileWatcher,
  ) {
    super();
    watcher.onReload((event) => this.reloaded(event));
  }

  finished(call: CallContext, outcome: CallOutcome): void {
    const { operation, wire, peer } = call.details;
    const administrative = ADMINISTRATIVE.has(call.family) && !call.onlyLooks && !LOOKING.test(operation);
    if (!administrative && !call.denied && !DENIALS.has(outcome.code)) return;
    this.append({
      audit: administrative && !call.denied ? 'administration' : 'denial',
      operation,
      model: call.model,
      version: call.version,
      principal: call.principal?.name ?? '',
      roles: call.principal?.roles ?? [],
      peer,
      wire,
      outcome: outcome.code,
      requestId: call.requestId,
    });
  }

  private reloaded({ name, outcome, reason }: ReloadEvent): void {
    this.append({ audit: 'reload', operation: name, outcome, reason });
  }

  private append(record: Record<string, unknown>): void {
    const line = JSON.stringify({ time: new Date().toISOString(), ...record }, (_, value: unknown) =>
      typeof value === 'string' ? clip(value) : value,
    );
    this.sink.append(escapeControls(line));
  }
}

const MAX_TEXT = 256;

const clip = (text: string): string => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text);

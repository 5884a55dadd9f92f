import { Injectable } from '@nestjs/common';
import type { CallContext } from '../protocol/call/call-context.js';
import { CallObserver, type CallOutcome } from '../protocol/call/call-observer.js';
import { StructuredLogger } from './structured-logger.js';

/**
 * Writes one line for each finished call, without anything of its headers or tensors. Probes of the server's and the
 * models' health are logged at the level debug.
 */
@Injectable()
export class AccessLog extends CallObserver {
  constructor(private readonly logger: StructuredLogger) {
    super();
  }

  finished(call: CallContext, outcome: CallOutcome): void {
    const { wire, operation, peer, userAgent } = call.details;
    const level = HEALTH.test(operation) ? 'debug' : 'log';
    if (!this.logger.isLevelEnabled(level)) return;
    const line = {
      requestId: call.requestId,
      wire,
      operation: clip(operation),
      model: clip(call.model),
      version: clip(call.version),
      code: outcome.code,
      status: outcome.status,
      durationMs: round(performance.now() - call.startedAt),
      queueMs: round(call.timings.queueNs / 1e6),
      computeMs: round(call.timings.computeNs / 1e6),
      peer,
      userAgent: clip(userAgent),
      principal: clip(call.principal?.name ?? ''),
    };
    this.logger[level](`${line.operation} ${line.code}`, line, AccessLog.name);
  }
}

/** The rpcs and routes of the family `health`, which an observer knows only by their names. */
const HEALTH = /\/(?:ServerLive|ServerReady|ModelReady|ready)$|^\/grpc\.health\.|\/v2\/health\//;

const MAX_TEXT = 128;

const clip = (text: string): string => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text);

/** To a microsecond. */
const round = (milliseconds: number): number => Math.round(milliseconds * 1_000) / 1_000;

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CallContext, type CallDetails } from '../protocol/call/call-context.js';
import { AccessLog } from './access-log.js';
import type { LogConfig } from './log.config.js';
import { StructuredLogger } from './structured-logger.js';

const DETAILS: CallDetails = {
  wire: 'grpc',
  operation: '/inference.GRPCInferenceService/ModelInfer',
  requestId: 'r-1',
  peer: '127.0.0.1:50000',
  userAgent: 'grpc-node',
  deadline: Infinity,
  onDisconnect: () => undefined,
};

let lines: string[];

beforeEach(() => {
  lines = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => lines.push(String(chunk)) > 0);
});

afterEach(() => {
  vi.restoreAllMocks();
});

function finish(call: CallContext, settings: Partial<LogConfig> = {}): void {
  const logger = new StructuredLogger({ LOG_LEVEL: 'info', LOG_FORMAT: 'json', ...settings });
  new AccessLog(logger).finished(call, { code: 'ok', status: 0 });
}

const record = (): Record<string, unknown> => JSON.parse(lines.join(''));

it('writes one line with what is known of the call', () => {
  const call = new CallContext(DETAILS);
  call.model = 'iris';
  call.version = '3';
  call.principal = { name: 'ci', roles: [] };
  call.timings.queueNs = 1_234_567;
  call.timings.computeNs = 2_000_000;
  finish(call);
  expect(lines).toHaveLength(1);
  expect(record()).toEqual({
    level: 'info',
    pid: process.pid,
    timestamp: expect.any(Number),
    message: '/inference.GRPCInferenceService/ModelInfer ok',
    context: 'AccessLog',
    requestId: 'r-1',
    wire: 'grpc',
    operation: '/inference.GRPCInferenceService/ModelInfer',
    model: 'iris',
    version: '3',
    code: 'ok',
    status: 0,
    durationMs: expect.any(Number),
    queueMs: 1.235,
    computeMs: 2,
    peer: '127.0.0.1:50000',
    userAgent: 'grpc-node',
    principal: 'ci',
  });
});

it('clips and escapes what callers choose', () => {
  const call = new CallContext({ ...DETAILS, userAgent: `a\n${'b'.repeat(200)}` });
  call.model = 'm'.repeat(129);
  finish(call, { LOG_FORMAT: 'text' });
  expect(lines).toHaveLength(1);
  expect(lines[0]?.trimEnd()).not.toContain('\n');
  expect(lines[0]).toContain(`userAgent: 'a\\n${'b'.repeat(126)}…'`);
  expect(lines[0]).toContain(`model: '${'m'.repeat(128)}…'`);
});

describe('levels', () => {
  it.each([
    '/inference.GRPCInferenceService/ServerLive',
    '/inference.GRPCInferenceService/ServerReady',
    '/inference.GRPCInferenceService/ModelReady',
    '/grpc.health.v1.Health/Check',
    'GET /v2/health/live',
    'GET /v2/health/ready',
    'GET /v2/models/:model/ready',
    'GET /v2/models/:model/versions/:version/ready',
  ])('%s is logged at debug', (operation) => {
    const call = new CallContext({ ...DETAILS, operation });
    finish(call);
    expect(lines).toEqual([]);
    finish(call, { LOG_LEVEL: 'debug' });
    expect(record()).toMatchObject({ level: 'debug', operation });
  });

  it('formats nothing where the level is off', () => {
    const call = new CallContext(DETAILS);
    const now = vi.spyOn(performance, 'now');
    finish(call, { LOG_LEVEL: 'warn' });
    expect(lines).toEqual([]);
    expect(now).not.toHaveBeenCalled();
  });
});

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ReloadEvent } from '../config/file-watcher.js';
import { FileWatcher } from '../config/file-watcher.js';
import { CallContext } from '../protocol/call/call-context.js';
import type { CallOutcome } from '../protocol/call/call-observer.js';
import type { OperationFamily } from '../protocol/call/operation.decorator.js';
import { fakeCall } from '../testing/fake-call-context.js';
import { AuditLog } from './audit-log.js';
import { AuditSink } from './audit-sink.js';

let folder: string;
let path: string;
let sink: AuditSink;
let log: AuditLog;
let reload: (event: ReloadEvent) => void;

class HandWatcher extends FileWatcher {
  override onReload(listener: (event: ReloadEvent) => void): void {
    reload = listener;
  }
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'audit-'));
  path = join(folder, 'audit.log');
  sink = new AuditSink({ AUDIT_LOG: path });
  const watcher = new HandWatcher({ RELOAD_INTERVAL_MS: 86_400_000 });
  log = new AuditLog(sink, watcher);
  watcher.onApplicationShutdown();
});

afterEach(() => rmSync(folder, { recursive: true }));

async function records(): Promise<Record<string, unknown>[]> {
  await sink.onApplicationShutdown();
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

function finish(
  operation: string,
  family: OperationFamily | undefined,
  code: CallOutcome['code'],
  model = 'iris',
): void {
  const call = new CallContext({
    wire: 'grpc',
    operation,
    requestId: 'r-1',
    peer: '192.0.2.7',
    userAgent: 'secret-agent',
    deadline: Infinity,
    onDisconnect: () => undefined,
  });
  call.family = family;
  call.model = model;
  call.principal = { name: 'ci', roles: ['admin'] };
  log.finished(call, { code, status: 0 });
}

it('records who changed what, and how it ended', async () => {
  finish('/inference.GRPCInferenceService/RepositoryModelLoad', 'model-repository', 'invalid-argument');
  expect(await records()).toEqual([
    {
      time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      audit: 'administration',
      operation: '/inference.GRPCInferenceService/RepositoryModelLoad',
      model: 'iris',
      version: '',
      principal: 'ci',
      roles: ['admin'],
      peer: '192.0.2.7',
      wire: 'grpc',
      outcome: 'invalid-argument',
      requestId: 'r-1',
    },
  ]);
});

it('records changes and denials, and nothing else', async () => {
  const operations: [string, OperationFamily | undefined, CallOutcome['code']][] = [
    ['/inference.GRPCInferenceService/ModelInfer', 'inference', 'ok'],
    ['/inference.GRPCInferenceService/ModelInfer', 'inference', 'internal'],
    ['/inference.GRPCInferenceService/RepositoryIndex', 'model-repository', 'ok'],
    ['POST /v2/repository/index', 'model-repository', 'ok'],
    ['/inference.GRPCInferenceService/SystemSharedMemoryStatus', 'shared-memory', 'ok'],
    ['GET /v2/logging', 'logging', 'ok'],
    ['/inference.GRPCInferenceService/ModelInfer', undefined, 'unauthenticated'],
    ['GET /v2/models/:model', 'metadata', 'permission-denied'],
    ['POST /v2/repository/models/:model/unload', 'model-repository', 'ok'],
    ['/inference.GRPCInferenceService/SystemSharedMemoryRegister', 'shared-memory', 'ok'],
    ['POST /v2/logging', 'logging', 'ok'],
    ['/inference.GRPCInferenceService/TraceSetting', 'trace', 'ok'],
  ];
  for (const operation of operations) finish(...operation);
  const kinds = (await records()).map(({ audit, operation }) => [audit, operation]);
  expect(kinds).toEqual(
    operations.slice(6).map(([operation, , code]) => [code === 'ok' ? 'administration' : 'denial', operation]),
  );
});

it('records a caller who was turned away by another code', async () => {
  const call = new CallContext({
    wire: 'rest',
    operation: 'POST /v2/models/:model/infer',
    requestId: 'r-2',
    peer: '192.0.2.8',
    userAgent: '',
    deadline: Infinity,
    onDisconnect: () => undefined,
  });
  call.denied = true;
  log.finished(call, { code: 'unavailable', status: 403 });
  expect(await records()).toMatchObject([{ audit: 'denial', outcome: 'unavailable', peer: '192.0.2.8' }]);
});

it('records no call of a rpc that can change something, but has not', async () => {
  const call = fakeCall({ operation: '/inference.GRPCInferenceService/TraceSetting' });
  call.family = 'trace';
  call.onlyLooks = true;
  log.finished(call, { code: 'ok', status: 0 });
  finish('/inference.GRPCInferenceService/TraceSetting', 'trace', 'ok');
  expect(await records()).toHaveLength(1);
});

it('records files that were taken up or refused', async () => {
  reload({ name: 'API_KEYS_FILE', outcome: 'refused', reason: 'line 2 is malformed' });
  expect(await records()).toMatchObject([
    { audit: 'reload', operation: 'API_KEYS_FILE', outcome: 'refused', reason: 'line 2 is malformed' },
  ]);
});

it('stays one line of JSON whatever it is told, and short', async () => {
  finish(
    'POST /v2/repository/models/:model/load',
    'model-repository',
    'ok',
    `a\n{"audit":"forged"}\u001b[2J\u2028\u009b${'x'.repeat(9_999)}`,
  );
  const text = (await records().then(() => readFileSync(path, 'utf8'))).trimEnd();
  expect(text).not.toMatch(/[\p{Cc}\u2028]/u);
  expect(text.length).toBeLessThan(1_000);
  expect(JSON.parse(text)).toMatchObject({ audit: 'administration' });
});

it('says nothing of credentials, agents or tensors', async () => {
  finish('/inference.GRPCInferenceService/ModelInfer', undefined, 'unauthenticated');
  expect(JSON.stringify(await records())).not.toContain('secret-agent');
});

it('appends to what is there, and can be turned off', async () => {
  finish('POST /v2/logging', 'logging', 'ok');
  await records();
  sink = new AuditSink({ AUDIT_LOG: path });
  sink.append('{}');
  expect(await records()).toHaveLength(2);
  const off = new AuditSink({ AUDIT_LOG: 'off' });
  off.append('{}');
  await off.onApplicationShutdown();
});

it('ends the start where it cannot write', () => {
  expect(() => new AuditSink({ AUDIT_LOG: join(folder, 'nowhere', 'audit.log') })).toThrow(/AUDIT_LOG=.*ENOENT/);
});

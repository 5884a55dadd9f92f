import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FileWatcher } from '../../src/config/file-watcher.js';
import { ModelRegistry } from '../../src/engine/registry/model-registry.js';
import { fp32, signature } from '../../src/core/index.js';
import { defineModel, serve, type TestServer } from '../../src/testing/index.js';

const values = signature({ inputs: { x: fp32(-1) }, outputs: { y: fp32(-1) } });
const echo = defineModel('echo', values, ({ x }) => ({ y: x }));
const failing = defineModel('failing', values, () => {
  throw new Error('the password of the database is hunter2');
});

const KEY = 'a-key-of-the-operators-0001';
const EVIL = 'a\r\n{"level":"error","forged":true}\u001b[2J\u2028\u0085';

let printed: string;

beforeEach(() => {
  printed = '';
  const collect = (chunk: unknown): boolean => {
    printed += String(chunk);
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(collect);
  vi.spyOn(process.stderr, 'write').mockImplementation(collect);
});

afterEach(() => vi.restoreAllMocks());

const lines = (): string[] => printed.split('\n').slice(0, -1);

const grpcInfer = (server: TestServer, model: string, id = '') =>
  server.grpc.call('ModelInfer', {
    model_name: model,
    id,
    inputs: [{ name: 'x', datatype: 'FP32', shape: [1], contents: { fp32_contents: [1234.5] } }],
  });

const restInfer = (server: TestServer, model: string, headers: Record<string, string> = {}, id = '') =>
  server.rest.post(
    `/v2/models/${encodeURIComponent(model)}/infer`,
    { id, inputs: [{ name: 'x', datatype: 'FP32', shape: [1], data: [1234.5] }] },
    headers,
  );

describe.each(['text', 'json'])('A50 what callers write cannot forge the log, in %s', (LOG_FORMAT) => {
  it('keeps each record on its line, without control characters', async () => {
    await using server = await serve([echo], { environment: { LOG_LEVEL: 'info', LOG_FORMAT } });
    const before = lines().length;
    await grpcInfer(server, EVIL, EVIL).catch(() => undefined);
    await restInfer(server, EVIL, { 'user-agent': 'x'.repeat(100_000).slice(0, 8_000) }, EVIL);
    await server.grpc.call('ServerMetadata', {}, { metadata: { 'x-request-id': 'y'.repeat(4_000) } });
    const added = lines().slice(before);
    expect(added).toHaveLength(3);
    for (const line of added) {
      expect(line).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
      expect(line.length).toBeLessThan(2_000);
      if (LOG_FORMAT === 'json') expect(JSON.parse(line)).not.toHaveProperty('forged');
    }
  });
});

describe('A52, A54 errors and logs', () => {
  it('hide what a model threw from the caller, and tensors from the log', async () => {
    await using server = await serve([echo, failing], { environment: { LOG_LEVEL: 'verbose' } });
    const rest = await restInfer(server, 'failing');
    expect(rest.status).toBe(500);
    expect(rest.json).toEqual({ error: "model 'failing' failed to execute the request" });
    const rpc = await grpcInfer(server, 'failing').catch((error: Error) => error);
    for (const answer of [JSON.stringify([...rest.headers]), String(rest.bytes), (rpc as Error).message]) {
      expect(answer).not.toMatch(/hunter2|node_modules|\/src\/|\.ts:|fastify|grpc-js|nestjs/i);
    }
    await grpcInfer(server, 'echo');
    await restInfer(server, 'echo');
    expect(printed).toContain('hunter2');
    expect(printed).not.toContain('1234.5');
  });
});

describe('A53 secrets', () => {
  it('are printed nowhere, wrong or right', async () => {
    const environment = { LOG_LEVEL: 'verbose', AUDIT_LOG: 'stdout', API_KEYS: `ops:${KEY}` };
    await using server = await serve([echo], { environment });
    await server.rest.get('/v2', { 'x-api-key': KEY });
    await server.rest.get('/v2', { 'x-api-key': 'a-wrong-key-that-someone-tries' });
    await server.grpc.call('ServerMetadata', {}, { metadata: { authorization: `Bearer ${KEY}` } });
    expect(printed).toContain('unauthenticated');
    expect(printed).not.toMatch(/a-key-of-the-operators|a-wrong-key/);
    await expect(
      serve([], { environment: { API_KEYS: 'ops:too-short-hush', AUTH_ENABLED: 'perhaps' } }),
    ).rejects.toThrow(expect.not.objectContaining({ message: expect.stringContaining('hush') as string }) as Error);
  });
});

describe('A56 names that callers make up', () => {
  it('leave nothing behind: no model, no listing, no state of theirs', async () => {
    await using server = await serve([echo], { environment: { RATE_LIMIT: '*=1000000/s' } });
    const registry = server.get(ModelRegistry);
    for (let index = 0; index < 30; index++) {
      const name = `made-up-${index}`;
      await restInfer(server, name);
      await grpcInfer(server, name).catch(() => undefined);
      await server.rest.get(`/v2/models/${name}/ready`);
      await server.rest.post(`/v2/repository/models/${name}/unload`);
      await server.rest.post(`/v2/repository/models/${name}/load`);
    }
    expect(registry.names()).toEqual(['echo']);
    expect((await server.rest.post('/v2/repository/index')).json).toEqual([
      { name: 'echo', version: '1', state: 'READY', reason: '' },
    ]);
  }, 60_000);
});

describe('A57, A58 ids and trace context', () => {
  it('take a sane id, and replace any other', async () => {
    await using server = await serve([echo]);
    const id = async (sent: string) =>
      (await server.rest.get('/v2', { 'x-request-id': sent })).headers.get('x-request-id');
    expect(await id('abc-123')).toBe('abc-123');
    for (const sent of ['x'.repeat(129), 'a b', 'é']) expect(await id(sent)).toMatch(/^[0-9a-f-]{36}$/);
    const reply = await restInfer(server, 'echo', {}, 'x'.repeat(100_000));
    expect(reply.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('serve calls with malformed or huge trace headers', async () => {
    await using server = await serve([echo]);
    for (const traceparent of [
      '00-zz-yy-01',
      '0'.repeat(7_000),
      '00-' + '0'.repeat(32) + '-' + '0'.repeat(16) + '-01',
    ]) {
      const headers = { traceparent, tracestate: '=,=,', baggage: '%%%' };
      expect((await restInfer(server, 'echo', headers)).status).toBe(200);
      const metadata = { traceparent: traceparent.slice(0, 4_000) };
      await expect(server.grpc.call('ServerLive', {}, { metadata })).resolves.toEqual({ live: true });
    }
  });
});

describe('A64 defaults', () => {
  it('open no door that nobody asked for', async () => {
    await using server = await serve([echo]);
    const reply = await server.rest.send('/v2', { method: 'GET', headers: { origin: 'https://evil.example' } });
    expect(reply.headers.get('access-control-allow-origin')).toBeNull();
    for (const path of ['/docs', '/v2/docs', '/metrics', '/debug', '/openapi.json', '/admin']) {
      expect((await server.rest.get(path)).status).toBe(404);
    }
    expect(server.rpcs.filter((path) => path.includes('reflection'))).toEqual([]);
    expect(server.addresses.http).toContain('127.0.0.1');
  });

  it('add security headers and origins when told to', async () => {
    const environment = { SECURITY_HEADERS: 'true', CORS_ORIGINS: 'https://app.example' };
    await using server = await serve([echo], { environment });
    const from = (origin: string) => server.rest.send('/v2', { method: 'GET', headers: { origin } });
    const own = await from('https://app.example');
    expect(own.headers.get('access-control-allow-origin')).toBe('https://app.example');
    expect(own.headers.get('x-content-type-options')).toBe('nosniff');
    expect((await from('https://evil.example')).headers.get('access-control-allow-origin')).not.toBe(
      'https://evil.example',
    );
  });
});

describe('A72 the audit log', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'audit-'));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it('has every load, unload, denial and change of keys, from both wires', async () => {
    const AUDIT_LOG = join(folder, 'audit.log');
    const keys = join(folder, 'roles.json');
    writeFileSync(keys, '1');
    const server = await serve([echo], { environment: { AUDIT_LOG, API_KEYS: `ops:${KEY}` } });
    const headers = { 'x-api-key': KEY };
    await server.rest.post('/v2/repository/models/echo/unload', '', headers);
    await server.rest.post('/v2/repository/models/echo/load', '', headers);
    await server.rest.post('/v2/repository/index', '', headers);
    await server.grpc.call('RepositoryModelLoad', { model_name: 'nope' }, { metadata: headers }).catch(() => undefined);
    await server.grpc.call('ModelInfer', { model_name: 'echo' }).catch(() => undefined);
    await server.rest.get('/v2/models/echo');
    const watcher = server.get(FileWatcher);
    watcher.watch('KEYS', [keys], ([content]) => JSON.parse(String(content)) as unknown);
    writeFileSync(keys, '{');
    await watcher.checkNow();
    await server.close();
    const records = readFileSync(AUDIT_LOG, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(records).toMatchObject([
      { audit: 'administration', model: 'echo', principal: 'ops', outcome: 'ok', wire: 'rest' },
      { audit: 'administration', model: 'echo', principal: 'ops', outcome: 'ok', wire: 'rest' },
      { audit: 'administration', model: 'nope', principal: 'ops', outcome: 'not-found', wire: 'grpc' },
      { audit: 'denial', principal: '', outcome: 'unauthenticated', wire: 'grpc' },
      { audit: 'denial', principal: '', outcome: 'unauthenticated', wire: 'rest', model: 'echo' },
      { audit: 'reload', operation: 'KEYS', outcome: 'refused' },
    ]);
    expect(JSON.stringify(records)).not.toContain(KEY);
  });

  it('has a call that a restriction turns away, from both wires', async () => {
    const AUDIT_LOG = join(folder, 'audit.log');
    const environment = {
      AUDIT_LOG,
      GRPC_RESTRICTED_PROTOCOL: 'inference:infer=hush-of-grpc',
      HTTP_RESTRICTED_API: 'inference:infer=hush-of-rest',
    };
    const server = await serve([echo], { environment });
    const refused = await grpcInfer(server, 'echo', 'i-1').catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: status.UNAVAILABLE });
    expect((await restInfer(server, 'echo', { infer: 'hush-of-grpc' }, 'i-2')).status).toBe(403);
    expect((await restInfer(server, 'echo', { infer: 'hush-of-rest' })).status).toBe(200);
    await server.grpc.call('ServerMetadata');
    await server.close();
    const records = readFileSync(AUDIT_LOG, 'utf8').trim().split('\n');
    expect(records.map((line) => JSON.parse(line) as object)).toMatchObject([
      { audit: 'denial', wire: 'grpc', model: 'echo', outcome: 'unavailable', operation: RPC, principal: '' },
      { audit: 'denial', wire: 'rest', model: 'echo', outcome: 'unavailable', operation: ROUTE, principal: '' },
    ]);
    expect(records.join()).not.toContain('hush');
  });

  const RPC = '/inference.GRPCInferenceService/ModelInfer';
  const ROUTE = 'POST /v2/models/:model/infer';

  it.runIf(process.platform === 'linux')('F65 costs no request when its sink is full', async () => {
    await using server = await serve([echo], { environment: { AUDIT_LOG: '/dev/full' } });
    for (let round = 0; round < 20; round++) {
      expect((await server.rest.post('/v2/repository/models/echo/load')).status).toBe(200);
    }
    expect((await restInfer(server, 'echo')).status).toBe(200);
    expect(printed).toContain('audit records are lost');
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ServiceError, status as Status } from '@grpc/grpc-js';
import {
  type CallHandler,
  type CanActivate,
  HttpException,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fp32, signature } from '#core';
import { defineModel, serve, type ServeOptions, type TestServer } from '#testing';
import { FileWatcher } from '../../src/config/file-watcher.js';
import { captureLog } from '../support/captured-log.js';
import { DecisionPoint, flood, json, type Reply, silence } from '../support/decision-point.js';
import { speak } from '../support/raw-http.js';

let inferences = 0;

const values = signature({ inputs: { x: fp32(-1) }, outputs: { y: fp32(-1) } });
const models = ['iris', 'fraud'].map((name) =>
  defineModel(name, values, ({ x }) => {
    inferences += 1;
    return { y: x };
  }),
);

const KEYS = { analyst: 'the-key-of-the-analyst', boss: 'the-key-of-the-boss-1', other: 'the-key-of-the-other-1' };
type Caller = keyof typeof KEYS;
const API_KEYS = Object.entries(KEYS)
  .map(([name, key]) => `${name}:${key}`)
  .join(',');

const ROLES = {
  roles: {
    analyst: { inference: ['iris'], metadata: ['iris'], health: ['iris'] },
    admin: { '*': ['*'] },
    librarian: { 'model-repository': ['iris'], trace: ['iris*', '*s'], logging: ['iris'] },
  },
  users: { analyst: ['analyst'], boss: ['admin'], other: ['librarian'] },
};

const log = captureLog();
let folder: string;
let roles: string;

beforeEach(() => {
  inferences = 0;
  folder = mkdtempSync(join(tmpdir(), 'authorization-'));
  roles = join(folder, 'roles.json');
  writeFileSync(roles, JSON.stringify(ROLES));
});

afterEach(() => rmSync(folder, { recursive: true }));

const start = (environment: Readonly<Record<string, string>> = {}, options: ServeOptions = {}) =>
  serve(models, { ...options, environment: { API_KEYS, ...environment } });

const startWithRoles = () => start({ AUTHZ: 'roles', AUTHZ_ROLES_FILE: roles });

interface Ended {
  readonly status: string | number;
  readonly message: string;
  readonly reply: unknown;
  /** A header, or a trailer. */
  readonly header: (name: string) => string | null;
}

type Headers = Readonly<Record<string, string>>;

async function rpc(server: TestServer, caller: Caller, method: string, message: object = {}, metadata: Headers = {}) {
  const options = { metadata: { 'x-api-key': KEYS[caller], ...metadata } };
  return server.grpc.call(method, message, options).then(
    (reply): Ended => ({ status: 'OK', message: '', reply, header: () => null }),
    (thrown: ServiceError): Ended => ({
      status: Status[thrown.code] ?? '',
      message: thrown.details,
      reply: undefined,
      header: (name) => thrown.metadata.get(name)[0]?.toString() ?? null,
    }),
  );
}

async function http(server: TestServer, caller: Caller, method: string, path: string, body?: object, headers = {}) {
  const sent = { 'x-api-key': KEYS[caller], ...headers };
  const reply = method === 'GET' ? await server.rest.get(path, sent) : await server.rest.post(path, body ?? '', sent);
  const message = (reply.json as { error?: string } | undefined)?.error ?? '';
  return { status: reply.status, message, reply: reply.json, header: (name: string) => reply.headers.get(name) };
}

const tensor = (items: number) => ({ name: 'x', datatype: 'FP32', shape: [items] });
const data = (items: number) => Array.from({ length: items }, () => 1);

/** The operations on a model, over each wire. */
const WIRES = {
  grpc: {
    denied: 'PERMISSION_DENIED',
    ok: 'OK',
    undecided: 'UNAVAILABLE',
    infer: (server: TestServer, caller: Caller, model: string, headers: Headers = {}, items = 1) =>
      rpc(
        server,
        caller,
        'ModelInfer',
        { model_name: model, inputs: [{ ...tensor(items), contents: { fp32_contents: data(items) } }] },
        headers,
      ),
    metadata: (server: TestServer, caller: Caller, name: string) => rpc(server, caller, 'ModelMetadata', { name }),
    ready: (server: TestServer, caller: Caller, name: string) => rpc(server, caller, 'ModelReady', { name }),
    load: (server: TestServer, caller: Caller, model_name: string) =>
      rpc(server, caller, 'RepositoryModelLoad', { model_name }),
    unload: (server: TestServer, caller: Caller, model_name: string) =>
      rpc(server, caller, 'RepositoryModelUnload', { model_name }),
    index: (server: TestServer, caller: Caller) => rpc(server, caller, 'RepositoryIndex'),
    trace: (server: TestServer, caller: Caller, model_name: string, trace_rate?: string) =>
      rpc(server, caller, 'TraceSetting', {
        model_name,
        settings: trace_rate === undefined ? {} : { trace_rate: { value: [trace_rate] } },
      }),
    logging: (server: TestServer, caller: Caller, level?: number) =>
      rpc(server, caller, 'LogSettings', {
        settings: level === undefined ? {} : { log_verbose_level: { uint32_param: level } },
      }),
    server: (server: TestServer, caller: Caller) => rpc(server, caller, 'ServerMetadata'),
  },
  rest: {
    denied: 403,
    ok: 200,
    undecided: 503,
    infer: (server: TestServer, caller: Caller, model: string, headers: Headers = {}, items = 1) => {
      const body = { inputs: [{ ...tensor(items), data: data(items) }] };
      return http(server, caller, 'POST', `/v2/models/${model}/infer`, body, headers);
    },
    metadata: (server: TestServer, caller: Caller, model: string) => http(server, caller, 'GET', `/v2/models/${model}`),
    ready: (server: TestServer, caller: Caller, model: string) =>
      http(server, caller, 'GET', `/v2/models/${model}/ready`),
    load: (server: TestServer, caller: Caller, model: string) =>
      http(server, caller, 'POST', `/v2/repository/models/${model}/load`),
    unload: (server: TestServer, caller: Caller, model: string) =>
      http(server, caller, 'POST', `/v2/repository/models/${model}/unload`),
    index: (server: TestServer, caller: Caller) => http(server, caller, 'POST', '/v2/repository/index'),
    trace: (server: TestServer, caller: Caller, model: string, trace_rate?: string) => {
      const path = `/v2${model === '' ? '' : `/models/${model}`}/trace/setting`;
      return trace_rate === undefined
        ? http(server, caller, 'GET', path)
        : http(server, caller, 'POST', path, { trace_rate });
    },
    logging: (server: TestServer, caller: Caller, level?: number) =>
      level === undefined
        ? http(server, caller, 'GET', '/v2/logging')
        : http(server, caller, 'POST', '/v2/logging', { log_verbose_level: level }),
    server: (server: TestServer, caller: Caller) => http(server, caller, 'GET', '/v2'),
  },
} as const;

/** A permit that only those get who follow. */
const ELSEWHERE: Reply = (response, question) =>
  question.url === '/'
    ? json({ result: true })(response, question)
    : response.writeHead(302, { location: '/' }).end('{"result":true}');

const OPERATIONS = ['infer', 'metadata', 'ready', 'load', 'unload'] as const;

const namesIn = (reply: unknown): string[] =>
  (Array.isArray(reply)
    ? (reply as { name: string }[])
    : ((reply as { models?: { name: string }[] }).models ?? [])
  ).map(({ name }) => name);

describe.each(['grpc', 'rest'] as const)('over %s', (wire) => {
  const over = WIRES[wire];

  it('A11 an ordinary credential neither loads nor unloads nor lists, and an admin does', async () => {
    await using server = await startWithRoles();
    for (const operation of ['load', 'unload'] as const) {
      expect((await over[operation](server, 'analyst', 'iris')).status).toBe(over.denied);
    }
    expect((await over.index(server, 'analyst')).status).toBe(over.denied);
    expect((await over.infer(server, 'analyst', 'iris')).status).toBe(over.ok);
    expect((await over.unload(server, 'boss', 'fraud')).status).toBe(over.ok);
    expect((await over.load(server, 'boss', 'fraud')).status).toBe(over.ok);
  });

  it.each(OPERATIONS)('A51 %s answers the same for a forbidden model and for none', async (operation) => {
    await using server = await startWithRoles();
    const forbidden = await over[operation](server, 'analyst', 'fraud');
    const unknown = await over[operation](server, 'analyst', 'fraus');
    expect(forbidden.status).toBe(over.denied);
    expect(unknown.status).toBe(over.denied);
    expect(unknown.message.replaceAll('fraus', 'fraud')).toBe(forbidden.message);
    expect(inferences).toBe(0);
  });

  it('A51 tells whoever has the right that there is no such model', async () => {
    await using server = await startWithRoles();
    const unknown = await over.infer(server, 'boss', 'fraus');
    expect(unknown.message).toBe("Request for unknown model: 'fraus' is not found");
  });

  it('lists only what the caller may see', async () => {
    await using server = await startWithRoles();
    expect(namesIn((await over.index(server, 'other')).reply)).toEqual(['iris']);
    expect(namesIn((await over.index(server, 'boss')).reply)).toEqual(['fraud', 'iris']);
    const listed = async (caller: Caller) => (await http(server, caller, 'GET', '/v2/models')).reply;
    expect(await listed('analyst')).toEqual({ models: ['iris'] });
    expect(await listed('boss')).toEqual({ models: ['fraud', 'iris'] });
    expect((await over.server(server, 'analyst')).status).toBe(over.ok);
    expect((await over.server(server, 'other')).status).toBe(over.denied);
  });

  it('A11 a right on some models changes nothing that holds for all of them', async () => {
    await using server = await startWithRoles();
    const settings = async () => [
      (await over.trace(server, 'other', '')).reply,
      (await over.logging(server, 'other')).reply,
    ];
    const before = await settings();
    expect(before).toEqual([expect.anything(), expect.anything()]);
    expect(await over.trace(server, 'other', '', '7')).toMatchObject({
      status: over.denied,
      message: "Permission denied: 'other' has no right to trace on model '*'",
    });
    expect(await over.logging(server, 'other', 3)).toMatchObject({
      status: over.denied,
      message: "Permission denied: 'other' has no right to logging on model '*'",
    });
    expect((await over.trace(server, 'other', 'fraud', '7')).status).toBe(over.denied);
    expect((await over.trace(server, 'other', 'iris', '7')).status).toBe(over.ok);
    expect(await settings()).toEqual(before);
    expect((await over.trace(server, 'boss', '', '7')).status).toBe(over.ok);
    expect((await over.logging(server, 'boss', 3)).status).toBe(over.ok);
    const after = await settings();
    expect(after[0]).not.toEqual(before[0]);
    expect(after[1]).not.toEqual(before[1]);
  });

  it('A19 takes nobody for whom headers say', async () => {
    await using server = await startWithRoles();
    const headers = {
      'x-user': 'boss',
      'x-tenant-id': 'boss',
      'x-roles': 'admin',
      'x-forwarded-user': 'boss',
      'x-forwarded-client-cert': 'Subject="CN=boss"',
      'x-authenticated-userid': 'boss',
    };
    expect((await over.infer(server, 'analyst', 'fraud', headers)).status).toBe(over.denied);
    expect((await over.infer(server, 'analyst', 'iris', headers)).status).toBe(over.ok);
  });

  it('A12, A19 tells the policy who and what it is, whatever headers say', async () => {
    await using point = await DecisionPoint.start(json({ result: true }));
    await using server = await start({ AUTHZ: 'opa', OPA_URL: point.url });
    await over.infer(server, 'analyst', 'iris', {
      'x-request-id': 'r-7',
      'x-forwarded-for': '10.0.0.1',
      'x-real-ip': '10.0.0.1',
      forwarded: 'for=10.0.0.1;host=evil',
      'x-original-url': '/v2/models/fraud/infer',
      'x-user': 'boss',
    });
    expect(point.bodies).toEqual([
      {
        input: {
          user: 'analyst',
          roles: [],
          action: 'inference',
          operation: wire === 'grpc' ? '/inference.GRPCInferenceService/ModelInfer' : expect.stringMatching(/infer$/),
          model: 'iris',
          version: '',
          address: '127.0.0.1',
          request_id: 'r-7',
        },
      },
    ]);
  });

  it.each<[string, Reply]>([
    ['says no', json({ result: false })],
    ['knows no such rule', json({})],
    ['says yes in other words', json({ result: 'permit', allow: true })],
    ['answers the wrong question', json([{ result: true }])],
  ])('A67 a policy that %s denies', async (_, reply) => {
    await using point = await DecisionPoint.start(reply);
    await using server = await start({ AUTHZ: 'opa', OPA_URL: point.url });
    expect((await over.infer(server, 'boss', 'iris')).status).toBe(over.denied);
    expect(inferences).toBe(0);
  });

  it.each<[string, Reply]>([
    ['is silent', silence],
    ['floods', flood],
    ['fails', json({ result: true }, 500)],
    ['sends elsewhere', ELSEWHERE],
    ['answers garbage', (response) => response.end('hush <true>')],
    ['hangs up', (response) => response.destroy()],
  ])('A67 a policy that %s denies, and its words stay here', async (_, reply) => {
    await using point = await DecisionPoint.start(reply);
    await using server = await start({ AUTHZ: 'opa', OPA_URL: point.url, AUTHZ_TIMEOUT_MS: '250' });
    const ended = await over.infer(server, 'boss', 'iris');
    expect(ended.status).toBe(over.undecided);
    expect(ended.message).toBe('The authorization policy gave no decision: try again');
    expect(ended.header('retry-after')).toBe('1');
    expect((await over.server(server, 'boss')).status).toBe(over.undecided);
    expect(inferences).toBe(0);
    expect(log().match(/gives no answer/g)).toHaveLength(1);
  });

  it('A67 a permit outlives its policy for the time of the cache alone', async () => {
    await using point = await DecisionPoint.start(json({ Response: [{ Decision: 'Permit' }] }));
    const xacml = { AUTHZ: 'xacml', OIP_PDP_URL: point.url };
    await using lasting = await start({ ...xacml, AUTHZ_CACHE_MS: '3600000' });
    await using without = await start({ ...xacml, AUTHZ_CACHE_MS: '0' });
    expect((await over.infer(lasting, 'boss', 'iris')).status).toBe(over.ok);
    expect((await over.infer(without, 'boss', 'iris')).status).toBe(over.ok);
    await point[Symbol.asyncDispose]();
    expect((await over.infer(lasting, 'boss', 'iris')).status).toBe(over.ok);
    expect((await over.infer(lasting, 'analyst', 'iris')).status).toBe(over.undecided);
    expect((await over.infer(without, 'boss', 'iris')).status).toBe(over.undecided);
  });

  it('gives no listing while nobody can tell what is visible', async () => {
    await using point = await DecisionPoint.start((response, question) =>
      question.body.includes('"model":""') ? json({ result: true })(response, question) : response.destroy(),
    );
    await using server = await start({ AUTHZ: 'opa', OPA_URL: point.url });
    expect((await over.index(server, 'boss')).status).toBe(over.undecided);
    expect((await http(server, 'boss', 'GET', '/v2/models')).status).toBe(503);
  });

  it.each([
    ['a guard that throws', { provide: APP_GUARD, useValue: guard(() => fail()) }],
    ['a guard that rejects', { provide: APP_GUARD, useValue: guard(() => Promise.reject(new Error('hush'))) }],
    ['a guard that says no', { provide: APP_GUARD, useValue: guard(() => false) }],
    ['a pipe that throws', { provide: APP_PIPE, useValue: pipe(() => fail()) }],
    ['a pipe that rejects', { provide: APP_PIPE, useValue: pipe(() => Promise.reject(new Error('hush'))) }],
    ['an interceptor that throws', { provide: APP_INTERCEPTOR, useValue: interceptor(() => fail()) }],
    ['an interceptor that rejects', { provide: APP_INTERCEPTOR, useValue: interceptor(async () => fail()) }],
  ])('A68 %s denies', async (_, provider) => {
    await using server = await start({}, { providers: [provider] });
    const ended = await over.infer(server, 'boss', 'iris');
    expect(ended.status).not.toBe(over.ok);
    expect(ended.message).not.toContain('hush');
    expect(inferences).toBe(0);
  });

  it('a guard that refuses for now, by an exception of Nest, tells when to try again', async () => {
    let refusal = 429;
    const refusing = guard(() => {
      throw new HttpException('not now', refusal);
    });
    await using server = await start({}, { providers: [{ provide: APP_GUARD, useValue: refusing }] });
    const ends = [];
    for (refusal of [429, 503, 403]) {
      const { status, header } = await over.infer(server, 'boss', 'iris');
      ends.push([status, header('retry-after')]);
    }
    const limited = wire === 'grpc' ? 'RESOURCE_EXHAUSTED' : 429;
    expect(ends).toEqual([
      [limited, '1'],
      [over.undecided, '1'],
      [over.denied, null],
    ]);
  });

  it('F64 takes up new roles, keeps the last good ones, and says so', async () => {
    await using server = await startWithRoles();
    const watcher = server.get(FileWatcher);
    const replace = async (file: string) => {
      writeFileSync(roles, file);
      await watcher.checkNow();
    };
    await replace('{"roles": {"analyst": {"inferense": ["*"]}}}');
    expect(log()).toContain('roles.analyst.inferense: is no family of operations');
    expect((await over.infer(server, 'analyst', 'iris')).status).toBe(over.ok);
    await replace(JSON.stringify({ roles: ROLES.roles, users: { analyst: ['librarian'] } }));
    expect((await over.infer(server, 'analyst', 'iris')).status).toBe(over.denied);
    expect((await over.index(server, 'boss')).status).toBe(over.denied);
  });

  it('limits each caller and family, and tells when to try again', async () => {
    await using server = await start({ RATE_LIMIT: 'inference=2/h,model-repository=1/m' });
    const infer = (caller: Caller) => over.infer(server, caller, 'iris');
    expect([(await infer('analyst')).status, (await infer('analyst')).status]).toEqual([over.ok, over.ok]);
    const refused = await infer('analyst');
    expect(refused.status).toBe(wire === 'grpc' ? 'RESOURCE_EXHAUSTED' : 429);
    expect(refused.message).toMatch(/^Rate limit: too many requests of the family inference \(inference=2\/h\)/);
    const seconds = Number(refused.header('retry-after'));
    expect(seconds).toBeGreaterThan(1_700);
    expect(seconds).toBeLessThanOrEqual(1_800);
    expect((await infer('boss')).status).toBe(over.ok);
    expect((await over.metadata(server, 'analyst', 'iris')).status).toBe(over.ok);
    expect((await over.index(server, 'analyst')).status).toBe(over.ok);
    expect((await over.index(server, 'analyst')).status).toBe(wire === 'grpc' ? 'RESOURCE_EXHAUSTED' : 429);
    expect(inferences).toBe(3);
  });

  it('F58 limits each model for all its callers together, and takes nothing of who may not run it', async () => {
    const RATE_LIMIT_MODELS = 'iris=2/h,*=1/h';
    await using server = await start({ AUTHZ: 'roles', AUTHZ_ROLES_FILE: roles, RATE_LIMIT_MODELS });
    const infer = (caller: Caller, model: string) => over.infer(server, caller, model);
    for (let time = 0; time < 3; time++) expect((await infer('other', 'iris')).status).toBe(over.denied);
    expect([(await infer('analyst', 'iris')).status, (await infer('boss', 'iris')).status]).toEqual([over.ok, over.ok]);
    const refused = await infer('analyst', 'iris');
    expect(refused.status).toBe(wire === 'grpc' ? 'RESOURCE_EXHAUSTED' : 429);
    expect(refused.message).toMatch(/^Rate limit: too many requests for model 'iris' \(iris=2\/h\)/);
    expect(Number(refused.header('retry-after'))).toBeGreaterThan(1_700);
    expect((await infer('boss', 'fraud')).status).toBe(over.ok);
    expect((await infer('boss', 'fraud')).message).toContain("for model 'fraud' (*=1/h)");
    expect((await over.metadata(server, 'analyst', 'iris')).status).toBe(over.ok);
    expect(inferences).toBe(3);
  });

  it('A12 limits strangers by their address, which no header changes, and the health of the server never', async () => {
    await using server = await serve(models, { environment: { RATE_LIMIT: '*=1/h' } });
    const infer = (address: string) => over.infer(server, 'boss', 'iris', { 'x-forwarded-for': address });
    expect((await infer('10.0.0.1')).status).toBe(over.ok);
    expect((await infer('10.0.0.2')).status).toBe(wire === 'grpc' ? 'RESOURCE_EXHAUSTED' : 429);
    for (let probe = 0; probe < 5; probe++) {
      await expect(server.grpc.call('ServerReady')).resolves.toEqual({ ready: true });
      await expect(server.grpc.call('Check', {}, { service: 'grpc.health.v1.Health' })).resolves.toBeDefined();
      expect((await server.rest.get('/v2/health/live')).status).toBe(200);
    }
  });

  it('counts the items of a batch where it is told to', async () => {
    await using server = await start({ RATE_LIMIT: 'inference=20/h', RATE_LIMIT_WEIGHT: 'batch' });
    const infer = (items: number) => over.infer(server, 'analyst', 'iris', {}, items);
    const exhausted = wire === 'grpc' ? 'RESOURCE_EXHAUSTED' : 429;
    expect((await infer(12)).status).toBe(over.ok);
    expect((await infer(10)).status).toBe(exhausted);
    expect((await infer(6)).status).toBe(over.ok);
    expect((await infer(21)).message).toContain('more than inference=20/h ever permits: send at most 20');
    expect(inferences).toBe(2);
  });

  it('asks strangers for credentials before all else, and the policy last', async () => {
    await using point = await DecisionPoint.start(json({ result: true }));
    const restricted = { GRPC_RESTRICTED_PROTOCOL: 'inference:k=v', HTTP_RESTRICTED_API: 'inference:k=v' };
    await using server = await start({ AUTHZ: 'opa', OPA_URL: point.url, RATE_LIMIT: 'inference=1/h', ...restricted });
    const key = { [wire === 'grpc' ? 'triton-grpc-protocol-k' : 'k']: 'v' };
    const stranger = await over.infer(server, 'boss', 'iris', { 'x-api-key': 'nobody-knows-this-key' });
    expect(stranger.status).toBe(wire === 'grpc' ? 'UNAUTHENTICATED' : 401);
    for (let round = 0; round < 3; round++) {
      expect((await over.infer(server, 'boss', 'iris')).message).toContain('restricted');
    }
    expect(point.questions).toHaveLength(0);
    expect((await over.infer(server, 'boss', 'iris', key)).status).toBe(over.ok);
    expect((await over.infer(server, 'boss', 'iris', key)).message).toContain('Rate limit');
    expect(point.questions).toHaveLength(1);
  });
});

describe('shared keys', () => {
  it('row 43 open the families that each wire restricts', async () => {
    await using server = await serve(models, {
      environment: {
        GRPC_RESTRICTED_PROTOCOL: 'model-repository,health:admin=hush-1',
        HTTP_RESTRICTED_API: 'model-repository:Admin-Key=hush-2;metadata:meta=hush-3',
      },
    });
    const index = (metadata: Headers) => rpc(server, 'boss', 'RepositoryIndex', {}, metadata);
    const refused = { status: 'UNAVAILABLE', message: text('protocol', 'triton-grpc-protocol-admin') };
    expect(await index({})).toMatchObject(refused);
    expect(await index({ 'triton-grpc-protocol-admin': 'hush-2' })).toMatchObject(refused);
    expect(await index({ admin: 'hush-1' })).toMatchObject(refused);
    expect(await rpc(server, 'boss', 'ServerLive')).toMatchObject(refused);
    expect(await index({ 'triton-grpc-protocol-admin': 'hush-1' })).toMatchObject({ status: 'OK' });
    expect(await rpc(server, 'boss', 'ServerMetadata')).toMatchObject({ status: 'OK' });

    const list = (headers: Headers) => http(server, 'boss', 'POST', '/v2/repository/index', {}, headers);
    expect(await list({})).toMatchObject({ status: 403, message: text('API', 'admin-key') });
    expect(await list({ 'admin-key': 'hush-1' })).toMatchObject({ status: 403 });
    expect(await list({ 'Admin-Key': 'hush-2' })).toMatchObject({ status: 200 });
    expect(await http(server, 'boss', 'GET', '/v2')).toMatchObject({ status: 403, message: text('API', 'meta') });
    expect((await server.rest.get('/v2/health/live')).status).toBe(200);
    expect(log()).not.toContain('hush');
  });

  const text = (what: string, header: string) => `This ${what} is restricted, expecting header '${header}'`;
});

describe('the dialects', () => {
  it.each([{}, { model_name: '' }])('KServe names the model of a load in another field, beside %j', async (beside) => {
    await using server = await startWithRoles();
    for (const method of ['RepositoryModelLoad', 'RepositoryModelUnload']) {
      const forbidden = await rpc(server, 'other', method, { repository_name: 'fraud', ...beside });
      expect(forbidden).toMatchObject({
        status: 'PERMISSION_DENIED',
        message: "Permission denied: 'other' has no right to model-repository on model 'fraud'",
      });
      const allowed = await rpc(server, 'other', method, { repository_name: 'iris', ...beside });
      expect(allowed.status).toBe('OK');
    }
    const index = await rpc(server, 'other', 'RepositoryIndex', { repository_name: 'fraud' });
    expect(index.status).toBe('UNIMPLEMENTED');
  });

  it('A12 targets in absolute form and path headers lead to the route that is decided about', async () => {
    await using server = await startWithRoles();
    const ask = (target: string, ...headers: readonly string[]) =>
      speak(
        server,
        [`GET ${target} HTTP/1.1`, 'Host: evil.example', `x-api-key: ${KEYS.analyst}`, ...headers, '', ''].join('\r\n'),
      );
    const statuses = async (target: string, ...headers: readonly string[]) =>
      (await ask(target, 'Connection: close', ...headers)).statuses;
    expect(await statuses('http://evil.example/v2/models/iris')).toEqual([200]);
    expect(await statuses('http://evil.example/v2/models/fraud')).toEqual([403]);
    for (const header of ['X-Original-URL', 'X-Rewrite-URL', 'X-Forwarded-Path', 'X-HTTP-Method-Override']) {
      expect(await statuses('/v2/models/fraud', `${header}: /v2/models/iris`)).toEqual([403]);
    }
    expect(await statuses('/v2/models/fr%61ud')).toEqual([403]);
    expect(await statuses('/v2/models/iris%2f..%2ffraud')).toEqual([403]);
    expect(await statuses('/v2/models/iris/../fraud')).not.toContain(200);
  });
});

describe('the start', () => {
  it.each([
    [{ AUTHZ: 'roles' }, 'AUTHZ_ROLES_FILE is unset'],
    [{ AUTHZ: 'opa' }, 'OPA_URL is unset'],
    [{ AUTHZ: 'xacml' }, 'OIP_PDP_URL is unset'],
    [{ OIP_PDP_URL: 'http://localhost:8080/pdp' }, 'OIP_PDP_URL is set, but not AUTHZ=xacml'],
    [{ AUTHZ: 'none' }, 'AUTHZ="none"'],
    [{ RATE_LIMIT: 'inference=lots' }, "'inference=lots' is malformed"],
    [{ HTTP_RESTRICTED_API: 'inferense:k=hush' }, "'inferense' is no family"],
  ] as Record<string, string>[][])('ends over %j', async (environment, problem) => {
    const failure = await start(environment).then(
      () => '',
      (thrown: Error) => thrown.message,
    );
    expect(failure).toContain(problem);
    expect(failure).not.toContain('hush');
  });
});

function fail(): never {
  throw new Error('hush');
}

function guard(canActivate: CanActivate['canActivate']): CanActivate {
  return { canActivate };
}

function pipe(transform: () => unknown): PipeTransform {
  return { transform };
}

function interceptor(intercept: () => ReturnType<CallHandler['handle']> | Promise<never>): NestInterceptor {
  return { intercept };
}

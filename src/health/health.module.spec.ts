import { on } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { defineModel, serve, type TestServer } from '#testing';
import { captureLog } from '../../test/support/captured-log.js';
import { vector } from '../../test/support/engine.js';
import { type Answer, get, post, rpc, WIRES } from '../../test/support/wires.js';
import { Readiness } from '../engine/lifecycle/readiness.js';
import { Deferred } from '../testing/deferred.js';

captureLog();

let server: TestServer;

afterEach(() => server?.close());

const echo = defineModel('echo', vector, ({ x }) => ({ y: x }));
const broken = defineModel('broken', vector, ({ x }) => ({ y: x }), {
  load: () => Promise.reject(new Error('no GPU found')),
});

/** A model that is loading until the gate opens. */
const loadingUntil = (gate: Deferred) =>
  defineModel({ name: 'slow', version: '3' }, vector, ({ x }) => ({ y: x }), { load: () => gate.promise });

const load = (name: string) => post(`/v2/repository/models/${name}/load`)(server);
const unload = (name: string) => post(`/v2/repository/models/${name}/unload`)(server);

/** What the answers of both wires come to. */
const flag = ({ status, reply }: Answer): unknown[] => [status, reply];

const SERVER_LIVE = { grpc: rpc('ServerLive'), rest: get('/v2/health/live') };
const SERVER_READY = { grpc: rpc('ServerReady'), rest: get('/v2/health/ready') };

const modelReady = (name: string, version = '') => ({
  grpc: rpc('ModelReady', { name, version }),
  rest: get(`/v2/models/${name}${version === '' ? '' : `/versions/${version}`}/ready`),
});

describe.each(WIRES)('over %s', (wire) => {
  const ok = { grpc: 'OK', rest: 200 }[wire];
  const notReady = { grpc: ['OK', { ready: false }], rest: [400, { ready: false }] }[wire];

  it('the server is live before its models are loaded, and ready after', async () => {
    const gate = new Deferred();
    server = await serve([echo, loadingUntil(gate)], { unready: true });
    expect(flag(await SERVER_LIVE[wire](server))).toEqual([ok, { live: true }]);
    expect(flag(await SERVER_READY[wire](server))).toEqual(notReady);
    gate.resolve();
    await server.settled();
    expect(flag(await SERVER_READY[wire](server))).toEqual([ok, { ready: true }]);
    expect(flag(await SERVER_LIVE[wire](server))).toEqual([ok, { live: true }]);
  });

  it('the server is not ready with a model that failed, but live', async () => {
    server = await serve([echo, broken], { unready: true });
    await server.settled();
    expect(flag(await SERVER_LIVE[wire](server))).toEqual([ok, { live: true }]);
    expect(flag(await SERVER_READY[wire](server))).toEqual(notReady);
    await unload('broken');
    expect(flag(await SERVER_READY[wire](server))).toEqual([ok, { ready: true }]);
  });

  it.each([
    ['one that serves', 'echo', '', true],
    ['its version', 'echo', '1', true],
    ['another version of it', 'echo', '2', 'unknown'],
    ['a version that is no number', 'echo', 'x', 'unknown'],
    ['one that failed', 'broken', '', false],
    ['the version that failed', 'broken', '1', false],
    ['one that loads', 'slow', '', false],
    ['the version that loads', 'slow', '3', false],
    ['one that was unloaded', 'idle', '', false],
    ['the version that was unloaded', 'idle', '1', false],
    ['one that nobody knows', 'nobody', '', 'unknown'],
    ['one with a name of every object', 'constructor', '', 'unknown'],
  ])('a model is ready or not: %s', async (_, name, version, expected) => {
    const gate = new Deferred();
    const idle = defineModel('idle', vector, ({ x }) => ({ y: x }));
    server = await serve([echo, broken, idle, loadingUntil(gate)], { unready: true });
    await vi.waitFor(async () => expect((await modelReady('idle').rest(server)).status).toBe(200));
    await unload('idle');
    const { status, message, reply } = await modelReady(name, version)[wire](server);
    gate.resolve();
    if (wire === 'grpc') {
      expect([status, reply]).toEqual(['OK', { ready: expected === true }]);
    } else if (expected === 'unknown') {
      const known = version === '' ? '' : ` version ${version}`;
      expect([status, message]).toEqual([404, `Request for unknown model: '${name}'${known} is not found`]);
    } else if (expected) {
      expect([status, reply]).toEqual([200, { name, ready: true }]);
    } else {
      expect([status, reply]).toEqual([400, { name, ready: false, error: 'Model version not ready' }]);
    }
  });
});

const HEALTH = { service: 'grpc.health.v1.Health' } as const;
const check = async (service?: string) => rpc('Check', service === undefined ? {} : { service }, HEALTH)(server);

describe('the health protocol of gRPC', () => {
  it.each([
    undefined,
    '',
    'inference.GRPCInferenceService',
    'inference.GrpcInferenceService',
    'inference.model_repository.ModelRepositoryService',
    'grpc.health.v1.Health',
  ])('knows the service %s', async (service) => {
    const gate = new Deferred();
    server = await serve(loadingUntil(gate), { unready: true });
    expect((await check(service)).reply).toEqual({ status: 'NOT_SERVING' });
    gate.resolve();
    await server.settled();
    expect((await check(service)).reply).toEqual({ status: 'SERVING' });
  });

  it.each(['inference', 'inference.grpcinferenceservice', 'echo'])('does not know %s', async (service) => {
    server = await serve(echo);
    expect(await check(service)).toMatchObject({ status: 'NOT_FOUND', message: `unknown service '${service}'` });
  });

  /** The statuses that a watch gives, one by one, and the way to leave it. */
  function watch(service = '') {
    const call = server.grpc.stream('Watch', { service }, HEALTH);
    call.on('error', () => undefined);
    const statuses = on(call, 'data', { close: ['end', 'close'] });
    const next = async (): Promise<string | undefined> => {
      const { value } = (await statuses.next()) as IteratorResult<[{ status: string }] | undefined>;
      return value?.[0].status;
    };
    return { call, next };
  }

  it('streams the status and each change of it', async () => {
    const gate = new Deferred();
    server = await serve(loadingUntil(gate), { unready: true });
    const { call, next } = watch();
    expect(await next()).toBe('NOT_SERVING');
    gate.resolve();
    expect(await next()).toBe('SERVING');
    // A change that makes no difference to the whole gives no message of its own.
    await unload('slow');
    await load('slow');
    server.get(Readiness).require('nobody');
    expect(await next()).toBe('NOT_SERVING');
    server.get(Readiness).release('nobody');
    expect(await next()).toBe('SERVING');
    call.cancel();
  });

  it('says of an unknown service that it is unknown, and waits with the client', async () => {
    server = await serve(echo);
    const { call, next } = watch('nobody');
    expect(await next()).toBe('SERVICE_UNKNOWN');
    server.get(Readiness).require('nobody');
    const later = await Promise.race([next(), check().then(({ reply }) => reply)]);
    expect(later).toEqual({ status: 'NOT_SERVING' });
    call.cancel();
  });

  it('serves many watchers, and forgets each who leaves', async () => {
    server = await serve(echo);
    const readiness = server.get(Readiness);
    const left = [new Deferred(), new Deferred(), new Deferred()];
    const listen = readiness.onChange.bind(readiness);
    const seen: string[] = [];
    let listeners = 0;
    vi.spyOn(readiness, 'onChange').mockImplementation((listener) => {
      const own = left[listeners++];
      const stop = listen(listener);
      return () => {
        own?.resolve();
        return stop();
      };
    });
    const watchers = left.map(() => watch());
    for (const { next } of watchers) expect(await next()).toBe('SERVING');
    expect(listeners).toBe(3);
    watchers[0]?.call.cancel();
    await left[0]?.promise;
    readiness.require('nobody');
    for (const { next } of watchers.slice(1)) seen.push((await next()) ?? 'nothing');
    expect(seen).toEqual(['NOT_SERVING', 'NOT_SERVING']);
    for (const { call } of watchers) call.cancel();
    await Promise.all(left.map(({ promise }) => promise));
  });

  it('lets no watcher keep the server from closing', async () => {
    server = await serve(echo);
    const { call, next } = watch();
    expect(await next()).toBe('SERVING');
    const ended = new Promise((resolve) => call.on('status', resolve));
    await server.close();
    await ended;
  });
});

import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getChannelzHandlers, type ServerUnaryCall, status } from '@grpc/grpc-js';
import { recognizedOptions } from '@grpc/grpc-js/build/src/channel-options.js';
import {
  BadRequestException,
  type CanActivate,
  Controller,
  type ExecutionContext,
  ForbiddenException,
  Get,
  HttpException,
  Injectable,
  InternalServerErrorException,
  Module,
  NotFoundException,
  type PipeTransform,
  Scope,
  UnauthorizedException,
  UseGuards,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { GrpcMethod, GrpcStreamCall, Payload, RpcException, ServerGrpc } from '@nestjs/microservices';
import { EMPTY, of } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fp32, type Inputs, int32, Model, ServingError, signature, uint8 } from '#core';
import { defineModel, GrpcClient, RestClient, serve, type ServeOptions, type TestServer } from '#testing';
import { type AppOptions, createApp } from '../../src/bootstrap.js';
import { callOf } from '../../src/protocol/call/call-context.js';
import { Family, Public } from '../../src/protocol/call/operation.decorator.js';
import type { InferenceStream } from '../../src/protocol/grpc/server/stream-messages.js';
import { Deferred } from '../../src/testing/deferred.js';
import { BuiltServer } from '../support/built-server.js';
import { captureLog } from '../support/captured-log.js';
import { grpcFrame, openSession, openStream, outcomeOf, STREAM } from '../support/http2-call.js';
import { mainProcesses } from '../support/main-process.js';
import { callRaw, encodeMessage } from '../support/raw-rpc.js';
import { answerOfGrpc, answerOfRest, inferOver, rpc, type SentInference } from '../support/wires.js';

const ROOT = join(import.meta.dirname, '../..');

captureLog();
const start = mainProcesses();

const values = signature({ inputs: { x: int32(-1) }, outputs: { y: int32(-1) } });

let gate: Deferred;
let started: Deferred<AbortSignal>;

/** Waits until the test opens the gate, or its call is given up. */
const gated = defineModel('gated', values, async ({ x }, { signal }) => {
  started.resolve(signal);
  await Promise.race([gate.promise, once(signal, 'abort')]);
  return { y: x };
});

const large = signature({ inputs: { x: uint8(-1) }, outputs: { size: int32(1) } });
const sizes = defineModel('sizes', large, async ({ x }) => {
  await gate.promise;
  return { size: int32.of([1], [x.data.length]) };
});

let yielded: number;
let floodEnded: Deferred;

const flood = signature({ inputs: { count: int32(1) }, outputs: { y: fp32(-1) } });

@Model('flood', flood)
class FloodModel {
  *stream({ count }: Inputs<typeof flood>) {
    try {
      for (; yielded < (count.data[0] ?? 0); yielded++) yield { y: fp32.of([65_536], new Float32Array(65_536)) };
    } finally {
      floodEnded.resolve();
    }
  }
}

const message = {
  model_name: 'gated',
  id: 'i-1',
  inputs: [{ name: 'x', datatype: 'INT32', shape: [1], contents: { int_contents: [7] } }],
};

/** What the handlers of the probe do, as each test sets it. */
let handle: (...received: readonly unknown[]) => unknown;
let guard: () => boolean | Promise<boolean>;
let transform: (value: unknown) => unknown;

class ProbeGuard implements CanActivate {
  canActivate(): boolean | Promise<boolean> {
    return guard();
  }
}

class ProbePipe implements PipeTransform {
  transform(value: unknown): unknown {
    return transform(value);
  }
}

/** Written as Nest's own documentation has it. Of several handlers for one rpc, the last counts: it takes these over. */
@Public()
@Family('health')
@UseGuards(ProbeGuard)
@Controller()
class ProbeController {
  @GrpcMethod('GRPCInferenceService', 'ModelReady')
  piped(@Payload(ProbePipe) received: unknown): unknown {
    return handle(received);
  }

  @GrpcMethod('GRPCInferenceService', 'ServerMetadata')
  unary(received: unknown, metadata: unknown, call: unknown): unknown {
    return handle(received, metadata, call);
  }

  @GrpcStreamCall('GRPCInferenceService', 'ModelStreamInfer')
  duplex(@Payload() stream: unknown): unknown {
    return handle(stream);
  }

  @Get('probe')
  rest(): unknown {
    transform(undefined);
    return handle();
  }
}

@Module({ controllers: [ProbeController], providers: [ProbeGuard] })
class ProbeModule {}

const entered = new Set<string>();

class Doorman implements CanActivate {
  canActivate(context: ExecutionContext): true {
    entered.add(callOf(context).details.operation);
    return true;
  }
}

@Module({ providers: [{ provide: APP_GUARD, useClass: Doorman }] })
class GuardedModule {}

let server: TestServer | undefined;
let session: ClientHttp2Session | undefined;
const unheard: unknown[] = [];
const note = (reason: unknown): void => void unheard.push(reason);

beforeEach(() => {
  gate = new Deferred();
  started = new Deferred();
  yielded = 0;
  floodEnded = new Deferred();
  handle = () => ({ ready: true });
  guard = () => true;
  transform = (value) => value;
  entered.clear();
  process.on('unhandledRejection', note);
});

afterEach(async () => {
  gate.resolve();
  session?.destroy();
  await server?.close();
  [server, session] = [undefined, undefined];
  process.off('unhandledRejection', note);
  expect(unheard.splice(0)).toEqual([]);
});

async function open(models: Parameters<typeof serve>[0], options: ServeOptions = {}): Promise<TestServer> {
  server = await serve(models, options);
  return server;
}

/** A stream of inferences, with its replies so far and the one status that it ends with. */
function stream(client: GrpcClient) {
  const call = client.duplex('ModelStreamInfer');
  const replies: unknown[] = [];
  const statuses: string[] = [];
  call.on('data', (reply) => replies.push(reply)).on('error', () => undefined);
  const ended = new Promise<void>((resolve) => {
    call.on('status', ({ code }: { code: status }) => {
      statuses.push(status[code]);
      resolve();
    });
  });
  return { call, replies, statuses, ended };
}

/** A call whose `grpc-timeout` no client of grpc-js would write. */
async function statusOf(to: TestServer, timeout: string): Promise<number> {
  session = connect(`http://${to.addresses.grpc}`);
  const sent = session.request({
    ':method': 'POST',
    ':path': '/inference.GRPCInferenceService/ModelInfer',
    'content-type': 'application/grpc',
    te: 'trailers',
    'grpc-timeout': timeout,
  });
  const encoded = encodeMessage('ModelInfer', message);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(encoded.length, 1);
  sent.resume().end(Buffer.concat([head, encoded]));
  return new Promise((resolve) => {
    const read = (headers: Readonly<Record<string, unknown>>): void => {
      if (headers['grpc-status'] !== undefined) resolve(Number(headers['grpc-status']));
    };
    sent.on('response', read).on('trailers', read);
  });
}

/** Waits until a number is the same before and after many calls to the server: what was on its way has come. */
async function settled(current: () => number, { grpc }: TestServer): Promise<number> {
  let before = -1;
  while (before !== current()) {
    before = current();
    for (let round = 0; round < 30; round++) await grpc.call('ServerLive');
  }
  return before;
}

/** The options that the server gives to grpc-js. */
async function grpcOptions(environment: NonNullable<AppOptions['environment']>): Promise<Record<string, unknown>> {
  const server = await createApp({ environment, models: [] });
  await server.listen();
  const { options } = (server.grpc as unknown as { grpcClient: { options: Record<string, unknown> } }).grpcClient;
  await server.app.close();
  return options;
}

const EPHEMERAL = {
  HTTP_PORT: '0',
  GRPC_PORT: '0',
  LOG_LEVEL: 'error',
  AUDIT_LOG: 'off',
  MODEL_REPOSITORY: '/nowhere',
  LOAD_MODELS: ',',
  ALLOW_EMPTY_REPOSITORY: 'true',
};

/** A path that a route serves: `::` stands for a colon. */
const exampleOf = (route: string): string =>
  route
    .split('::')
    .map((part) => part.replaceAll(/:\w+(?:\([^)]*\))?/g, 'x'))
    .join(':');

describe('what stock Nest gets wrong', () => {
  it('row 1: a guard of the application stands before every rpc and every route', async () => {
    const { rpcs, routes, grpc, rest } = await open([gated], { imports: [GuardedModule] });
    for (const path of rpcs.filter((each) => !each.endsWith('/Watch'))) {
      await callRaw(server as TestServer, path, [Buffer.alloc(0)]);
    }
    const watch = grpc.stream('Watch', {}, { service: 'grpc.health.v1.Health' }).on('error', () => undefined);
    await once(watch, 'data');
    watch.cancel();
    for (const { method, url } of routes) await rest.send(exampleOf(url), { method });
    expect(rpcs.length).toBeGreaterThan(20);
    expect(routes.length).toBeGreaterThan(10);
    expect([...entered].sort()).toEqual([...rpcs, ...routes.map(({ method, url }) => `${method} ${url}`)].sort());
  });

  it('row 2: whatever is thrown, wherever, has its status by one table for each wire', async () => {
    const { rest } = await open([], { imports: [ProbeModule] });
    const cases: readonly (readonly [thrown: unknown, grpc: string, rest: number])[] = [
      [new ServingError('permission-denied', 'no'), 'PERMISSION_DENIED', 403],
      [new ServingError('unauthenticated', 'no'), 'UNAUTHENTICATED', 401],
      [new ServingError('invalid-argument', 'no'), 'INVALID_ARGUMENT', 400],
      [new ServingError('resource-exhausted', 'no'), 'RESOURCE_EXHAUSTED', 429],
      [new ServingError('unavailable', 'no'), 'UNAVAILABLE', 503],
      [new BadRequestException('no'), 'INVALID_ARGUMENT', 400],
      [new UnauthorizedException('no'), 'UNAUTHENTICATED', 401],
      [new ForbiddenException('no'), 'PERMISSION_DENIED', 403],
      [new NotFoundException('secret'), 'NOT_FOUND', 404],
      [new HttpException('no', 429), 'RESOURCE_EXHAUSTED', 429],
      [new HttpException('secret', 503), 'UNAVAILABLE', 503],
      [new InternalServerErrorException('secret'), 'INTERNAL', 500],
      [new RpcException('secret'), 'INTERNAL', 500],
      [new Error('secret'), 'INTERNAL', 500],
      ['secret', 'INTERNAL', 500],
    ];
    for (const [thrown, grpcStatus, restStatus] of cases) {
      const fail = (): never => {
        throw thrown;
      };
      for (const place of ['guard', 'pipe', 'handler']) {
        [guard, transform, handle] = [() => true, (value) => value, () => ({ ready: true })];
        if (place === 'guard') guard = fail;
        else if (place === 'pipe') transform = fail;
        else handle = fail;
        const [overGrpc, overRest] = [await rpc('ModelReady')(server as TestServer), await rest.get('/probe')];
        expect([place, overGrpc.status, overRest.status]).toEqual([place, grpcStatus, restStatus]);
        expect(overGrpc.message).not.toContain('secret');
        expect(overRest.json).toEqual({ error: overGrpc.message });
      }
    }
    [guard, transform, handle] = [() => false, (value) => value, vi.fn()];
    expect(await rpc('ModelReady')(server as TestServer)).toMatchObject({
      status: 'PERMISSION_DENIED',
      message: 'Forbidden resource',
    });
    expect(await rest.get('/probe')).toMatchObject({ status: 403, json: { error: 'Forbidden resource' } });
    expect(handle).not.toHaveBeenCalled();
  });

  it('row 3: a stream ends with one status, whatever its handler or its guard throws, and the server lives', async () => {
    const { grpc } = await open([], { imports: [ProbeModule] });
    const refusal = new ServingError('failed-precondition', 'not today');
    const fail = (): never => {
      throw refusal;
    };
    const ways: readonly (readonly [() => void, expected: string])[] = [
      [() => (handle = fail), 'FAILED_PRECONDITION'],
      [() => (handle = () => Promise.reject(refusal)), 'FAILED_PRECONDITION'],
      [() => (handle = () => Promise.reject(new Error('secret'))), 'INTERNAL'],
      [
        () =>
          (handle = async (received) => {
            const { requests, finished } = bound(received as InferenceStream);
            for await (const { call } of requests) {
              finished(call, refusal);
              fail();
            }
          }),
        'FAILED_PRECONDITION',
      ],
      [() => (guard = fail), 'FAILED_PRECONDITION'],
      [() => (guard = () => Promise.reject(refusal)), 'FAILED_PRECONDITION'],
      [() => (guard = () => false), 'PERMISSION_DENIED'],
    ];
    for (const [prepare, expected] of ways) {
      for (const halfClosed of [false, true]) {
        [guard, handle] = [() => true, () => undefined];
        prepare();
        const { call, statuses, ended } = stream(grpc);
        call.write(message);
        if (halfClosed) call.end();
        await ended;
        await grpc.call('ServerLive');
        expect(statuses).toEqual([expected]);
      }
    }
  });

  it('row 4: a stream that is not taken closes the window', async () => {
    const { grpc } = await open([sizes], { environment: { STREAM_MAX_IN_FLIGHT: '4' } });
    const [count, bytes] = [1_000, 65_536];
    const { call, replies, ended } = stream(grpc);
    let sent = 0;
    const large = {
      model_name: 'sizes',
      inputs: [{ name: 'x', datatype: 'UINT8', shape: [bytes] }],
      raw_input_contents: [Buffer.alloc(bytes)],
    };
    for (let index = 0; index < count; index++) call.write(large, () => (sent += bytes));
    call.end();
    // What the window holds, and a few messages that were taken.
    expect(await settled(() => sent, server as TestServer)).toBeLessThan(16 * 2 ** 20);
    gate.resolve();
    await ended;
    expect([sent, replies.length]).toEqual([count * bytes, count]);
  });

  it('row 5: a stream that is not read pauses its producer, and fails at its bound', async () => {
    const flooded = await open([FloodModel], { environment: { STREAM_STALL_MS: '500' } });
    const count = { name: 'count', datatype: 'INT32', shape: [1], contents: { int_contents: [2_000] } };
    // The client of grpc-js takes what comes, and keeps it, also while it is paused.
    const session = openSession(flooded);
    try {
      const call = openStream(session, STREAM).pause();
      const outcome = outcomeOf(call);
      call.write(grpcFrame(encodeMessage('ModelStreamInfer', { model_name: 'flood', inputs: [count] })));
      await floodEnded.promise;
      // 2 000 responses are 500 MiB.
      expect(yielded).toBeLessThan(100);
      call.resume().end();
      const { status: code, details } = await outcome;
      expect([code, details]).toEqual(['RESOURCE_EXHAUSTED', expect.stringContaining('took no reply for 500 ms')]);
    } finally {
      session.destroy();
    }
  });

  it('row 6: a loop over the messages of a stream may be left', async () => {
    const { grpc } = await open([], { imports: [ProbeModule] });
    const taken: (string | undefined)[] = [];
    handle = async (received) => {
      const { requests, finished } = bound(received as InferenceStream);
      for await (const { message: each, call } of requests) {
        taken.push(each.id);
        finished(call);
        if (taken.length === 2) break;
      }
    };
    const { call, statuses, ended } = stream(grpc);
    for (const id of ['a', 'b', 'c']) call.write({ ...message, id });
    await ended;
    expect([taken, statuses]).toEqual([['a', 'b'], ['OK']]);
  });

  it('row 7: a unary call that is given up is aborted in its model', async () => {
    const { grpc } = await open([gated]);
    const caller = new AbortController();
    const cancelled = answerOfGrpc(grpc.call('ModelInfer', message, { signal: caller.signal }));
    const first = await started.promise;
    caller.abort();
    expect(await cancelled).toMatchObject({ status: 'CANCELLED' });
    if (!first.aborted) await once(first, 'abort');
    expect(first.reason).toMatchObject({ code: 'cancelled' });

    started = new Deferred();
    const expired = answerOfGrpc(grpc.call('ModelInfer', message, { deadlineMs: 200 }));
    const second = await started.promise;
    expect(await expired).toMatchObject({ status: 'DEADLINE_EXCEEDED' });
    if (!second.aborted) await once(second, 'abort');
    expect(second.reason).toBeInstanceOf(ServingError);
  });

  it('row 8: a handler that gives nothing is INTERNAL, and the model is named', async () => {
    await open([], { imports: [ProbeModule] });
    for (const nothing of [EMPTY, undefined, Promise.resolve(undefined)]) {
      handle = () => nothing;
      expect(await rpc('ModelReady', { name: 'm' })(server as TestServer)).toMatchObject({
        status: 'INTERNAL',
        message: "/inference.GRPCInferenceService/ModelReady gave no reply for model 'm'",
      });
    }
  });

  it('row 9: SIGTERM lets what runs finish and ends with 0, and a second one forces the end', async () => {
    const place = (model: string, path: string): SentInference => ({
      model,
      parameters: { ms: '60000' },
      inputs: [{ name: 'path', datatype: 'BYTES', shape: [1], data: [path] }],
    });
    await using patient = await BuiltServer.start(['Busy', 'BlockingThread']);
    const over = patient as unknown as TestServer;
    const waiting = stream(patient.grpc);
    const [first, second] = [
      inferOver.grpc(over, place('busy', 'first')),
      inferOver.rest(over, place('blocking_thread', 'second')),
    ];
    await Promise.all([patient.found('first.started'), patient.found('second.started')]);
    patient.kill('SIGTERM');
    await waiting.ended;
    expect(waiting.statuses).toEqual(['UNAVAILABLE']);
    expect(await patient.grpc.call('ServerReady')).toEqual({ ready: false });
    expect((await inferOver.grpc(over, place('busy', 'late'))).status).toBe('UNAVAILABLE');
    expect((await inferOver.rest(over, place('busy', 'late'))).status).toBe(503);
    await patient.leave('first');
    expect((await first).status).toBe('OK');
    await patient.leave('second');
    expect((await second).status).toBe(200);
    expect(await patient.ended).toBe(0);

    await using hurried = await BuiltServer.start(['Busy']);
    const cut = inferOver.grpc(hurried as unknown as TestServer, place('busy', 'cut'));
    await hurried.found('cut.started');
    hurried.kill('SIGTERM');
    await vi.waitFor(async () => expect(await hurried.grpc.call('ServerReady')).toEqual({ ready: false }));
    hurried.kill('SIGTERM');
    expect((await cut).status).toBe('UNAVAILABLE');
    expect(await hurried.ended).toBe('SIGKILL');
  });

  it('row 10: a timeout beyond 32 bits of milliseconds does not expire at once', async () => {
    const { grpc } = await open([gated]);
    for (const timeout of ['2147484S', '99999999H']) {
      const code = statusOf(server as TestServer, timeout);
      const signal = await started.promise;
      for (let round = 0; round < 20; round++) await grpc.call('ServerLive');
      expect(signal.aborted).toBe(false);
      gate.resolve();
      expect(await code).toBe(status.OK);
      [gate, started] = [new Deferred(), new Deferred()];
    }
  });

  it('row 11: one limit for both wires, above 4 MiB, is printed at the start and named by who refuses', async () => {
    const limit = 6 * 2 ** 20;
    const running = start({ MAX_MESSAGE_BYTES: String(limit) });
    const { http, grpc } = await running.listening();
    expect(running.output).toContain(`messages up to ${limit} bytes (MAX_MESSAGE_BYTES)`);
    const client = new GrpcClient(grpc);
    const to = { rest: new RestClient(http), grpc: client } as TestServer;
    const sized = (bytes: number): SentInference => ({
      model: 'doubler',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [bytes / 4], raw: Buffer.alloc(bytes) }],
      binary: true,
    });
    expect((await inferOver.grpc(to, sized(5 * 2 ** 20))).status).toBe('OK');
    expect((await inferOver.rest(to, sized(5 * 2 ** 20))).status).toBe(200);
    const [overGrpc, overRest] = [await inferOver.grpc(to, sized(limit)), await inferOver.rest(to, sized(limit))];
    client.close();
    expect(overGrpc.status).toBe('RESOURCE_EXHAUSTED');
    expect(overRest.status).toBe(400);
    for (const { message } of [overGrpc, overRest]) {
      const [actual = 0, named] = message.match(/\d+/g)?.map(Number) ?? [];
      expect(actual).toBeGreaterThan(limit);
      expect(named).toBe(limit);
    }
    expect(overRest.message).toContain('MAX_MESSAGE_BYTES');
  });

  it('row 12: streams, memory and inferences are capped, and no record is kept of connections', async () => {
    const { grpc, rest, addresses } = await open([gated], {
      environment: { GRPC_MAX_CONCURRENT_STREAMS: '7', MAX_IN_FLIGHT: '1' },
    });
    session = connect(`http://${addresses.grpc}`);
    await once(session, 'remoteSettings');
    expect(session.remoteSettings.maxConcurrentStreams).toBe(7);

    const running = grpc.call('ModelInfer', message);
    await started.promise;
    expect((await answerOfGrpc(grpc.call('ModelInfer', message))).status).toBe('RESOURCE_EXHAUSTED');
    expect(answerOfRest(await rest.post('/v2/models/gated/infer', '{}')).status).toBe(429);
    gate.resolve();
    await running;

    const records = await new Promise((resolve) => {
      const { GetServers } = getChannelzHandlers();
      GetServers({ request: { start_server_id: 0, max_results: 10 } } as never, (_, reply) => resolve(reply?.server));
    });
    expect(records).toEqual([]);
    const options = await grpcOptions({ ...EPHEMERAL, MAX_MESSAGE_BYTES: '100000000' });
    expect(options['grpc-node.max_session_memory']).toBe(400);
  });

  it('row 13: every option is one that grpc-js knows, and clients connect anew after a while', async () => {
    const { interceptors, ...options } = await grpcOptions(EPHEMERAL);
    expect(interceptors).toHaveLength(1);
    expect(Object.keys(options).filter((key) => !(key in recognizedOptions))).toEqual([]);
    expect(options).toMatchObject({
      'grpc.keepalive_time_ms': 60_000,
      'grpc.keepalive_timeout_ms': 20_000,
      'grpc.max_connection_age_ms': 1_800_000,
    });

    const aged = await open([gated], { environment: { GRPC_MAX_CONNECTION_AGE_MS: '50' } });
    const code = statusOf(aged, '1M');
    await started.promise;
    await once(session as ClientHttp2Session, 'goaway');
    gate.resolve();
    expect(await code).toBe(status.OK);
  });

  it('row 14: a controller as Nest documents it works unchanged, on the call itself and without Observables', async () => {
    const { grpc } = await open([], { imports: [ProbeModule] });
    const transformed = vi.spyOn(ServerGrpc.prototype, 'transformToObservable');
    handle = (received, metadata, call) => {
      const own = call as ServerUnaryCall<unknown, unknown>;
      return { name: own.getPeer(), version: String(own.request === received && own.metadata === metadata) };
    };
    expect(await grpc.call('ServerMetadata')).toEqual({
      name: expect.stringMatching(/^127\.0\.0\.1:\d+$/) as string,
      version: 'true',
    });
    handle = () => of({ name: 'observed' });
    expect(await grpc.call('ServerMetadata')).toEqual({ name: 'observed' });
    expect(transformed).not.toHaveBeenCalled();
  });

  it('row 15: the built server has its contracts, wherever it is started', async () => {
    const running = start({ MODEL_REPOSITORY: join(ROOT, 'model-repository') }, { cwd: tmpdir() });
    const { grpc } = await running.listening();
    const client = new GrpcClient(grpc);
    expect(await client.call('ServerReady')).toEqual({ ready: true });
    expect(await client.call('ServerLive', {}, { service: 'inference.GrpcInferenceService' })).toEqual({ live: true });
    const service = 'inference.model_repository.ModelRepositoryService';
    expect(await client.call('RepositoryIndex', {}, { service })).toHaveProperty('models');
    const health = await client.call('Check', {}, { service: 'grpc.health.v1.Health' });
    expect(health).toEqual({ status: 'SERVING' });
    expect(await client.call('ModelMetadata', { name: 'digits' })).toMatchObject({ name: 'digits' });
    client.close();
  });

  it('row 16: a provider below a controller that is made anew for each request ends the start', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Session {}

    @Injectable()
    class Between {
      constructor(readonly session: Session) {}
    }

    @Controller('scoped')
    class ScopedController {
      constructor(readonly between: Between) {}

      @Get()
      read() {
        return {};
      }
    }

    @Module({ controllers: [ScopedController], providers: [Session, Between] })
    class ScopedModule {}

    await expect(serve([], { imports: [ScopedModule] })).rejects.toThrow(/ScopedController is request-scoped/);
  });
});

/** The parts of a stream, to be taken apart. */
function bound(received: InferenceStream): Pick<InferenceStream, 'requests' | 'finished'> {
  return { requests: received.requests, finished: (call, error) => received.finished(call, error) };
}

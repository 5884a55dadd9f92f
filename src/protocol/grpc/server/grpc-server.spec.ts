import { createServer } from 'node:net';
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { Metadata, type ServerUnaryCall, status } from '@grpc/grpc-js';
import {
  type CanActivate,
  Controller,
  createParamDecorator,
  type ExecutionContext,
  Module,
  UseGuards,
} from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import { EMPTY, Observable, of, Subject, throwError } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ServingError } from '#core';
import { serve, type TestServer } from '#testing';
import { captureLog } from '../../../../test/support/captured-log.js';
import { callRaw, encodeMessage } from '../../../../test/support/raw-rpc.js';
import { answerOfGrpc, rpc } from '../../../../test/support/wires.js';
import { createApp } from '../../../bootstrap.js';
import { Deferred } from '../../../testing/deferred.js';
import { ActiveCalls } from '../../call/active-calls.js';
import { Call, CallContext } from '../../call/call-context.js';
import { CallObserver } from '../../call/call-observer.js';
import { Family, Public } from '../../call/operation.decorator.js';

const log = captureLog();

type RawCall = ServerUnaryCall<unknown, unknown>;
type Behaviour = (message: { readonly name?: string }, call: CallContext, raw: RawCall) => unknown;

/** The call as grpc-js gives it to a handler. */
const Raw = createParamDecorator((_: unknown, context: ExecutionContext) => context.getArgByIndex<RawCall>(2));

/** What the handlers of the probe do, as each test sets it. */
let unary: Behaviour;
let streaming: Behaviour;
let guard: () => boolean | Promise<boolean>;

class ProbeGuard implements CanActivate {
  canActivate(): boolean | Promise<boolean> {
    return guard();
  }
}

/** Takes over rpcs of the server: of several handlers for one, the last counts. */
@Public()
@Family('health')
@Controller()
class ProbeController {
  @UseGuards(ProbeGuard)
  @GrpcMethod('GRPCInferenceService', 'ModelReady')
  unary(@Payload() message: { readonly name?: string }, @Call() call: CallContext, @Raw() raw: RawCall): unknown {
    return unary(message, call, raw);
  }

  /** For a reply of any size. */
  @GrpcMethod('GRPCInferenceService', 'ServerMetadata')
  worded(@Payload() message: object, @Call() call: CallContext, @Raw() raw: RawCall): unknown {
    return unary(message, call, raw);
  }

  @GrpcMethod('Health', 'Watch')
  streaming(@Payload() message: object, @Call() call: CallContext, @Raw() raw: RawCall): unknown {
    return streaming(message, call, raw);
  }
}

@Module({ controllers: [ProbeController], providers: [ProbeGuard] })
class ProbeModule {}

let server: TestServer;
let outcomes: { readonly operation: string; readonly code: string; readonly status: number }[];

async function start(environment: Record<string, string> = {}): Promise<void> {
  server = await serve([], { imports: [ProbeModule], environment });
  outcomes = [];
  vi.spyOn(server.get(CallObserver), 'finished').mockImplementation(({ details, model }, outcome) => {
    outcomes.push({ operation: details.operation, ...outcome, ...(model === '' ? {} : { model }) });
  });
}

beforeEach(() => {
  guard = () => true;
});

afterEach(() => server?.close());

const UNARY = '/inference.GRPCInferenceService/ModelReady';
const WATCH = '/grpc.health.v1.Health/Watch';

const ask = (message: object = {}) => rpc('ModelReady', message)(server);
const yes = { ready: true };
const failure = (thrown: unknown): (() => never) => {
  return () => {
    throw thrown;
  };
};

describe('a handler', () => {
  it.each<[string, unknown]>([
    ['a reply', yes],
    ['a promise of one', Promise.resolve(yes)],
    ['an Observable of one', of(yes)],
    ['an Observable of several, of which the first counts', of(yes, { ready: false })],
    ['an Observable that comes later', new Observable((subscriber) => void setImmediate(() => subscriber.next(yes)))],
  ])('answers once, with %s', async (_, result) => {
    await start();
    unary = () => result;
    expect(await ask({ name: 'm' })).toMatchObject({ status: 'OK', reply: yes });
    expect(outcomes).toEqual([{ operation: UNARY, code: 'ok', status: 0, model: 'm' }]);
  });

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['a promise of undefined', Promise.resolve(undefined)],
    ['an Observable of nothing', EMPTY],
  ])('that gives %s is answered for, and named', async (_, result) => {
    await start();
    unary = () => result;
    const message = `${UNARY} gave no reply for model 'm'`;
    expect(await ask({ name: 'm' })).toMatchObject({ status: 'INTERNAL', message });
    expect((await ask()).message).toBe(`${UNARY} gave no reply`);
    expect(outcomes[0]).toMatchObject({ code: 'internal', status: 13 });
  });

  it('that is never reached is answered for, and the server lives on', async () => {
    await start();
    unary = () => yes;
    vi.spyOn(server.get(ActiveCalls), 'opened').mockImplementationOnce(failure(new Error('the password is hunter2')));
    expect(await ask()).toMatchObject({ status: 'INTERNAL', message: `${UNARY} could not be begun` });
    expect(await ask()).toMatchObject({ status: 'OK' });
  });

  const refusal = new ServingError('failed-precondition', 'not today');

  it.each<[string, Behaviour]>([
    ['throws', failure(refusal)],
    ['rejects', () => Promise.reject(refusal)],
    ['gives a failing Observable', () => throwError(() => refusal)],
  ])('that %s with an error of ours answers with its code and text', async (_, behaviour) => {
    await start();
    unary = behaviour;
    expect(await ask()).toMatchObject({ status: 'FAILED_PRECONDITION', message: 'not today' });
    expect(outcomes).toEqual([{ operation: UNARY, code: 'failed-precondition', status: 9 }]);
  });

  it.each<[string, Behaviour]>([
    ['throws', failure(new Error('secret'))],
    ['rejects', () => Promise.reject(new Error('secret'))],
    ['throws what is no error', failure('secret')],
    ['gives a failing Observable', () => throwError(() => new TypeError('secret'))],
  ])('that %s otherwise answers with a neutral text, and the log has the rest', async (_, behaviour) => {
    await start();
    unary = behaviour;
    expect(await ask()).toMatchObject({ status: 'INTERNAL', message: 'Internal server error' });
    expect(log()).toContain('secret');
    expect(outcomes).toEqual([{ operation: UNARY, code: 'internal', status: 13 }]);
  });

  it('that throws nothing at all answers too', async () => {
    await start();
    unary = failure(undefined);
    expect(await ask()).toMatchObject({ status: 'INTERNAL', message: 'Internal server error' });
  });
});

describe('a guard', () => {
  beforeEach(() => {
    unary = vi.fn(() => yes);
  });

  it.each<[string, typeof guard, string]>([
    ['throws', failure(new ServingError('permission-denied', 'no')), 'PERMISSION_DENIED'],
    ['rejects', () => Promise.reject(new ServingError('permission-denied', 'no')), 'PERMISSION_DENIED'],
    ['fails', failure(new Error('no policy')), 'INTERNAL'],
    ['says no', () => false, 'PERMISSION_DENIED'],
    ['says no later', () => Promise.resolve(false), 'PERMISSION_DENIED'],
  ])('that %s lets nobody in', async (_, behaviour, expected) => {
    await start();
    guard = behaviour;
    expect((await ask()).status).toBe(expected);
    expect(unary).not.toHaveBeenCalled();
    expect(outcomes).toHaveLength(1);
  });
});

describe('an rpc', () => {
  it('without a handler is unimplemented, and so is one that no contract has', async () => {
    await start();
    expect(server.rpcs).toContain(UNARY);
    const path = '/inference.GRPCInferenceService/CudaSharedMemoryRegister';
    for (const absent of [
      ...(server.rpcs.includes(path) ? [] : [path]),
      '/inference.GRPCInferenceService/Nothing',
      '/no.Service/Nothing',
    ]) {
      expect(await callRaw(server, absent, [Buffer.alloc(0)])).toMatchObject({ status: 'UNIMPLEMENTED' });
    }
  });

  it('whose message is none is refused, and the server goes on', async () => {
    await start();
    unary = () => yes;
    expect(await callRaw(server, UNARY, [Buffer.of(0x0a, 0xff)])).toMatchObject({ status: 'INTERNAL' });
    expect(await ask()).toMatchObject({ status: 'OK' });
  });

  it('whose message is too large is refused', async () => {
    await start({ MAX_MESSAGE_BYTES: '100' });
    unary = () => yes;
    expect(await ask({ name: 'm'.repeat(101) })).toMatchObject({ status: 'RESOURCE_EXHAUSTED' });
    expect(await ask({ name: 'm'.repeat(50) })).toMatchObject({ status: 'OK' });
  });

  it('whose reply is too large is refused', async () => {
    await start({ MAX_MESSAGE_BYTES: '100' });
    const replied = (bytes: number) => {
      // A tag and a length come before the name.
      unary = () => ({ name: 'm'.repeat(bytes - 2) });
      return rpc('ServerMetadata')(server);
    };
    expect(await replied(100)).toMatchObject({ status: 'OK' });
    expect(await replied(101)).toMatchObject({
      status: 'RESOURCE_EXHAUSTED',
      message: 'Sent message larger than max (101 vs 100): ask for less, or raise MAX_MESSAGE_BYTES',
    });
  });
});

describe('a reply', () => {
  it('may come behind metadata that the handler has sent', async () => {
    await start();
    unary = (_, __, raw) => {
      raw.sendMetadata(new Metadata());
      return yes;
    };
    expect(await ask()).toMatchObject({ status: 'OK', reply: yes });
  });

  it('ends its call: that counts as cancelled no more, and no timer of its deadline is left', async () => {
    await start();
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const cancelled = vi.fn();
    const before = timers();
    for (let count = 0; count < 20; count++) {
      const closed = new Deferred();
      unary = (_, { details }, raw) => {
        raw.on('cancelled', cancelled);
        details.onDisconnect(() => closed.resolve());
        return yes;
      };
      await server.grpc.call('ModelReady', {}, { deadlineMs: 60_000 });
      await closed.promise;
      await turn();
    }
    expect(cancelled).not.toHaveBeenCalled();
    expect(timers() - before).toBeLessThan(10);
  });
});

describe('the model of a call', () => {
  it.each([
    [{ name: 'm' }, 'm'],
    [{}, ''],
    [{ name: '' }, ''],
  ])('is read from %j', async (message, model) => {
    await start();
    let seen: string | undefined;
    unary = (_, call) => {
      seen = call.model;
      return yes;
    };
    await ask(message);
    expect(seen).toBe(model);
  });

  it('is known to the guards, in whichever field it comes', async () => {
    await start({ LOG_LEVEL: 'error' });
    for (const message of [
      { model_name: 'nobody' },
      { repository_name: 'nobody' },
      { repository_name: 'nobody', model_name: '' },
    ]) {
      await rpc('RepositoryModelLoad', message)(server);
      expect(outcomes.at(-1)).toMatchObject({ model: 'nobody', code: 'not-found' });
    }
  });
});

describe('the details of an error', () => {
  const detailsOf = async (message: string): Promise<string> => {
    unary = failure(new ServingError('invalid-argument', message));
    const answer = await ask();
    expect(answer.status).toBe('INVALID_ARGUMENT');
    return answer.message;
  };

  it.each(['', 'plain', 'a%20b', 'tab\tand\nline', '\u4e2d\u{1f600}', 'a\0b'])(
    '%j come as they are',
    async (message) => {
      await start();
      expect(await detailsOf(message)).toBe(message);
    },
  );

  it('are cut where clients would refuse their size', async () => {
    await start();
    expect(await detailsOf('x'.repeat(1_000))).toBe('x'.repeat(1_000));
    expect(await detailsOf('x'.repeat(1_001))).toBe(`${'x'.repeat(1_000)}\u2026`);
    expect(await detailsOf('\u4e2d'.repeat(100_000))).toBe(`${'\u4e2d'.repeat(333)}\u2026`);
  });

  it.each([0, 1, 2, 3])('are cut between characters, wherever the limit falls (%i)', async (offset) => {
    await start();
    const details = await detailsOf('x'.repeat(offset) + '\u{1f600}'.repeat(500));
    expect(details.isWellFormed()).toBe(true);
    expect(details).toMatch(/^x*(?:\u{1f600})+\u2026$/u);
  });

  it('may be no Unicode at all', async () => {
    await start();
    expect(await detailsOf('half \ud83d of one')).toBe('half \ufffd of one');
  });

  it('may quote what the caller sent, whatever it is', async () => {
    await start();
    const unpaired = Buffer.of(0x0a, 3, 0xed, 0xa0, 0x80);
    const long = encodeMessage('ModelMetadata', { name: 'x'.repeat(971) + '\u{1f600}'.repeat(20) });
    for (const message of [unpaired, long]) {
      const path = '/inference.GRPCInferenceService/ModelMetadata';
      expect(await callRaw(server, path, [message])).toMatchObject({ status: 'NOT_FOUND' });
    }
  });
});

describe('a caller', () => {
  it('who cancels is told to the handler, and to the observer once', async () => {
    await start();
    const [started, aborted] = [new Deferred(), new Deferred<unknown>()];
    unary = (_, { signal }) => {
      signal.addEventListener('abort', () => aborted.resolve(signal.reason));
      started.resolve();
      return new Promise((resolve) => void aborted.promise.then(() => resolve(yes)));
    };
    const controller = new AbortController();
    const running = answerOfGrpc(server.grpc.call('ModelReady', {}, { signal: controller.signal }));
    await started.promise;
    controller.abort();
    expect(await running).toMatchObject({ status: 'CANCELLED' });
    expect(await aborted.promise).toMatchObject({ code: 'cancelled' });
    await vi.waitFor(() => expect(outcomes).toEqual([{ operation: UNARY, code: 'cancelled', status: 1 }]));
  });

  it('whose deadline passes is told to the handler', async () => {
    await start();
    const aborted = new Deferred<unknown>();
    let deadline = 0;
    unary = (_, call) => {
      deadline = call.deadline;
      call.signal.addEventListener('abort', () => aborted.resolve(call.signal.reason));
      return aborted.promise.then(() => yes);
    };
    const before = Date.now();
    expect(await answerOfGrpc(server.grpc.call('ModelReady', {}, { deadlineMs: 200 }))).toMatchObject({
      status: 'DEADLINE_EXCEEDED',
    });
    // A client that counts its own deadline may be the first to end the call.
    expect(await aborted.promise).toMatchObject({
      code: expect.stringMatching(/^(deadline-exceeded|cancelled)$/) as string,
    });
    expect(deadline).toBeGreaterThanOrEqual(before);
    expect(deadline).toBeLessThanOrEqual(before + 1_000);
  });

  it('who has no deadline, or a later one, has that of the server', async () => {
    await start({ REQUEST_TIMEOUT_MS: '5000' });
    const left: number[] = [];
    unary = (_, { deadline }) => {
      left.push(deadline - Date.now());
      return yes;
    };
    await ask();
    await server.grpc.call('ModelReady', {}, { deadlineMs: 60_000 });
    for (const milliseconds of left) expect(Math.abs(milliseconds - 5_000)).toBeLessThan(1_000);
    expect(left).toHaveLength(2);
  });

  it('gets the id of the call with the reply and with an error', async () => {
    await start();
    unary = () => yes;
    const ids = { 'x-request-id': 'r-1' };
    const message = [Buffer.alloc(0)];
    expect((await callRaw(server, UNARY, message, ids)).trailers.get('x-request-id')).toEqual(['r-1']);
    unary = failure(new ServingError('internal', 'broken'));
    expect((await callRaw(server, UNARY, message, ids)).trailers.get('x-request-id')).toEqual(['r-1']);
  });
});

describe('a stream of replies', () => {
  const watch = async () => {
    const replies: unknown[] = [];
    const call = server.grpc.stream('Watch', {}, { service: 'grpc.health.v1.Health' });
    const ended = new Promise<{ code: number; details: string }>((resolve) => call.on('status', resolve));
    call.on('error', () => undefined);
    call.on('data', (reply: { status: string }) => replies.push(reply.status));
    return { call, replies, ended };
  };

  it('comes as it is given, and ends when it is complete', async () => {
    await start();
    streaming = () => of({ status: 'SERVING' }, { status: 'NOT_SERVING' });
    const { replies, ended } = await watch();
    expect((await ended).code).toBe(status.OK);
    expect(replies).toEqual(['SERVING', 'NOT_SERVING']);
    expect(outcomes).toEqual([{ operation: WATCH, code: 'ok', status: 0 }]);
  });

  it('may be empty', async () => {
    await start();
    streaming = () => EMPTY;
    expect((await (await watch()).ended).code).toBe(status.OK);
  });

  it.each<[string, Behaviour, number, string]>([
    ['at once', failure(new ServingError('unavailable', 'closed')), status.UNAVAILABLE, 'closed'],
    ['before the first reply', () => throwError(() => new ServingError('not-found', 'gone')), status.NOT_FOUND, 'gone'],
    ['in a promise', () => Promise.reject(new Error('secret')), status.INTERNAL, 'Internal server error'],
    [
      'between two replies',
      () =>
        new Observable((subscriber) => {
          subscriber.next({ status: 'SERVING' });
          subscriber.error(new ServingError('unavailable', 'no more'));
        }),
      status.UNAVAILABLE,
      'no more',
    ],
  ])('that fails %s ends with the error', async (_, behaviour, code, details) => {
    await start();
    streaming = behaviour;
    const { ended } = await watch();
    const end = await ended;
    expect([end.code, end.details]).toEqual([code, details]);
    expect(outcomes).toHaveLength(1);
  });

  it('that its reader leaves is unsubscribed from', async () => {
    await start();
    const [subscribed, left] = [new Deferred(), new Deferred()];
    streaming = () =>
      new Observable((subscriber) => {
        subscriber.next({ status: 'SERVING' });
        subscribed.resolve();
        return left.resolve;
      });
    const { call, ended } = await watch();
    await subscribed.promise;
    call.cancel();
    expect((await ended).code).toBe(status.CANCELLED);
    await left.promise;
    expect(outcomes).toEqual([{ operation: WATCH, code: 'cancelled', status: 1 }]);
  });

  it('that goes on while the server closes is cut', async () => {
    await start();
    const subject = new Subject<{ status: string }>();
    const subscribed = new Deferred();
    streaming = () => {
      subscribed.resolve();
      return subject;
    };
    const { ended } = await watch();
    await subscribed.promise;
    await server.close();
    expect([status.CANCELLED, status.UNAVAILABLE]).toContain((await ended).code);
    expect(subject.observed).toBe(false);
  });
});

describe('the start', () => {
  it('fails with one line where the port is in use', async () => {
    const occupied = createServer().listen(0, '127.0.0.1');
    await once(occupied, 'listening');
    const { port } = occupied.address() as { port: number };
    const environment = { HTTP_PORT: '0', GRPC_PORT: String(port), MODEL_REPOSITORY: '/nowhere', LOG_LEVEL: 'error' };
    const app = await createApp({ environment, models: [] });
    await expect(app.listen()).rejects.toThrow(
      `gRPC cannot listen on 127.0.0.1:${port}: the port is in use; set GRPC_PORT to another one`,
    );
    occupied.close();
  });

  it('takes a free port where none is given', async () => {
    await start();
    expect(server.addresses.grpc).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
  });
});

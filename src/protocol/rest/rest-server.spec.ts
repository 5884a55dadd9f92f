import { connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { All, Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { RouteSchema } from '@nestjs/platform-fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { exchange, receive, type RestApp, startRest } from '../../../test/support/rest-app.js';
import { ServingError } from '../../core/errors/serving-error.js';
import { Deferred } from '../../testing/deferred.js';
import { FakeOverload } from '../../testing/fake-overload.js';
import { Call, CallContext } from '../call/call-context.js';
import { InferenceRoute } from './inference-route.decorator.js';
import { registeredRoutes } from './rest-server.js';

const LIMIT = 1_000;

/** What the handler of `slow` waits for, and what ended its wait. */
const slow = { started: (): void => undefined, reasons: [] as unknown[] };

const late = { started: (): void => undefined, go: (): void => undefined, reason: undefined as unknown };

@Controller('v2')
class ProbeController {
  @Get()
  root() {
    return { name: 'probe' };
  }

  @Get('health/live')
  live(@Query() query: unknown) {
    return { live: true, query };
  }

  @Get('counted')
  @RouteSchema({
    querystring: { type: 'object', required: ['count'], properties: { count: { type: 'integer' } } },
    response: { 200: { type: 'object', properties: { count: { type: 'integer' } } } },
  })
  counted(@Query() query: { readonly count: number }) {
    return { ...query, left: 'out' };
  }

  @Post('echo')
  @HttpCode(200)
  echo(@Body() body: unknown) {
    return { bytes: Buffer.isBuffer(body) ? body.toString('latin1') : typeof body };
  }

  @Get('whoami')
  whoami(@Call() call: CallContext) {
    const { principal, refusal, requestId, details, deadline } = call;
    const { wire, operation, peer, userAgent } = details;
    const left = deadline - Date.now();
    return { principal, refusal: refusal?.message, requestId, wire, operation, peer, userAgent, left };
  }

  @All('slow')
  async slow(@Call() { signal }: CallContext) {
    slow.started();
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    slow.reasons.push(signal.reason);
    return {};
  }

  /** Asks for its signal only when it is told to. */
  @Get('late')
  async late(@Call() call: CallContext) {
    late.started();
    await new Promise<void>((resolve) => (late.go = resolve));
    late.reason = call.signal.reason;
  }

  @Get('items/:item')
  item(@Param('item') item: string) {
    return { item };
  }

  @Delete('items/:item')
  remove() {
    return {};
  }
}

/** A route of inferences that answers when the gate opens. */
function waitingInference(gate: Deferred) {
  const started = new Deferred();

  @Controller('v2')
  class InferController {
    @Post('infer')
    @HttpCode(200)
    @InferenceRoute()
    async infer() {
      started.resolve();
      await gate.promise;
      return {};
    }
  }
  return { started, controller: InferController };
}

let rest: RestApp;
const ALICE = { name: 'alice', roles: ['user'] };

beforeAll(async () => {
  rest = await startRest({
    controllers: [ProbeController],
    principals: new Map([['Bearer a', ALICE]]),
    maxMessageBytes: LIMIT,
    requestTimeoutMs: 30_000,
  });
});

afterAll(() => rest.app.close());

beforeEach(() => {
  rest.observer.calls.length = 0;
  slow.reasons.length = 0;
});

const outcomes = () =>
  rest.observer.calls.map(({ call, outcome }) => [call.details.operation, outcome.code, outcome.status]);

async function json(path: string, init?: RequestInit): Promise<Record<string, unknown>> {
  const reply = await fetch(rest.url + path, init);
  return { status: reply.status, ...((await reply.json()) as object) };
}

const raw = (method: string, path: string, headers: readonly string[], body = ''): string =>
  [`${method} ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...headers, '', body].join('\r\n');

async function expectAlive(): Promise<void> {
  expect(await json('/v2/echo', { method: 'POST', body: 'ok' })).toEqual({ status: 200, bytes: 'ok' });
}

describe('routes', () => {
  it('may have schemas, as those of Fastify have', async () => {
    expect(await json('/v2/counted?count=7')).toEqual({ status: 200, count: 7 });
    expect(await json('/v2/counted')).toEqual({
      status: 400,
      error: "querystring must have required property 'count'",
    });
  });

  it('can be listed, whoever registered them', () => {
    expect(registeredRoutes(rest.app)).toEqual(
      expect.arrayContaining([
        { method: 'GET', url: '/v2' },
        { method: 'POST', url: '/v2/echo' },
        { method: 'GET', url: '/v2/items/:item' },
        { method: 'DELETE', url: '/v2/items/:item' },
        { method: 'PATCH', url: '/v2/slow' },
      ]),
    );
    expect(registeredRoutes(rest.app)).not.toContainEqual(expect.objectContaining({ method: 'HEAD', url: '/v2' }));
  });

  it.each(['/v2', '/v2/', '/v2?a=1', '/v2/?a=1&a=2'])('serves the root at %s', async (path) => {
    expect(await json(path)).toEqual({ status: 200, name: 'probe' });
  });

  it('ignores the query, repeated keys too', async () => {
    expect(await json('/v2/health/live?test_1=1&test_1=2&test_2')).toMatchObject({ status: 200, live: true });
  });

  it.each([
    ['GET', '/'],
    ['GET', '/v2/health/live/'],
    ['GET', '/V2/health/live'],
    ['GET', '/v2//health/live'],
    ['GET', '/base/v2/health/live'],
    ['POST', '/v2/nothing/here'],
    ['GET', '/v2/items/'],
  ])('knows no %s %s', async (method, path) => {
    expect(await json(path, { method })).toEqual({ status: 404, error: 'Not Found' });
    await vi.waitFor(() => expect(rest.observer.calls).toHaveLength(1));
    expect(rest.observer.calls[0]?.outcome).toEqual({ code: 'not-found', status: 404 });
  });

  it.each([
    ['POST', '/v2', 'GET'],
    ['POST', '/v2/health/live?x=1', 'GET'],
    ['GET', '/v2/echo', 'POST'],
    ['PUT', '/v2/items/a%20b', 'DELETE, GET'],
    ['OPTIONS', '/v2/', 'GET'],
    ['PROPFIND', '/v2', 'GET'],
  ])('refuses %s on %s, which allows %s', async (method, path, allowed) => {
    const reply = await fetch(rest.url + path, { method });
    expect(reply.status).toBe(405);
    expect(await reply.json()).toEqual({ error: 'Method Not Allowed' });
    expect(reply.headers.get('allow')?.split(', ').sort().join(', ')).toBe(allowed);
    await vi.waitFor(() => expect(outcomes()).toEqual([[`${method} *`, 'unimplemented', 405]]));
  });

  it('tells a wrong method from a wrong path where CORS answers OPTIONS for all of them', async () => {
    const open = await startRest({
      controllers: [ProbeController],
      prepare: (app) => app.enableCors({ origin: 'https://a.example' }),
    });
    try {
      const status = async (method: string, path: string, headers = {}) =>
        (await fetch(open.url + path, { method, headers })).status;
      const preflight = { origin: 'https://a.example', 'access-control-request-method': 'POST' };
      expect(await status('OPTIONS', '/v2/echo', preflight)).toBe(204);
      expect(await status('GET', '/v2/nothing')).toBe(404);
      expect(await status('GET', '/v2/echo')).toBe(405);
    } finally {
      await open.app.close();
    }
  });

  it('refuses HEAD without a body', async () => {
    const reply = await fetch(`${rest.url}/v2/health/live`, { method: 'HEAD' });
    expect([reply.status, await reply.text()]).toEqual([405, '']);
  });

  it('F19: takes segments of 512 characters, refuses longer ones', async () => {
    expect(await json(`/v2/items/${'é'.repeat(512)}`)).toEqual({ status: 200, item: 'é'.repeat(512) });
    expect(await json(`/v2/items/${'a'.repeat(10_000)}`)).toEqual({
      status: 400,
      error: 'a segment of the path is longer than 512 characters',
    });
  });

  it.each(['/v2/items/%E0%A4%A', '/v2/items/%zz'])('refuses the malformed path %s', async (path) => {
    const answer = await exchange(rest.port, raw('GET', path, []));
    expect(answer).toContain('HTTP/1.1 400 Bad Request');
    expect(answer).toContain('{"error":"the path is not a well-formed URL"}');
  });
});

it('gives a request five minutes to arrive', () => {
  expect(rest.app.getHttpServer().requestTimeout).toBe(300_000);
});

describe('bodies', () => {
  it.each([
    [],
    ['Content-Type:'],
    ['Content-Type: application/json'],
    ['Content-Type:  application/JSON ; charset=utf-8;;'],
    ['Content-Type:\tapplication/json'],
    ['Content-Type: ;'],
    ['Content-Type: nonsense'],
    ['Content-Type: text/plain'],
    ['Content-Type: application/x-www-form-urlencoded'],
    ['Content-Type: multipart/form-data; boundary=x'],
    ['Content-Type: application/json', 'Content-Type: text/html'],
    ['Content-Type: application/octet-stream'],
    ['Content-Encoding: identity'],
  ])('F32: are read alike whatever the type says: %j %j', async (...headers) => {
    const sent = headers.filter((header) => header !== undefined);
    const answer = await exchange(rest.port, raw('POST', '/v2/echo', [...sent, 'Content-Length: 7'], '{"a":1}'));
    expect(answer).toContain('HTTP/1.1 200 OK');
    expect(answer).toContain(JSON.stringify({ bytes: '{"a":1}' }));
  });

  it.each([['Content-Length: 0'], ['Transfer-Encoding: chunked'], []])('may be empty: %j', async (...headers) => {
    const sent = headers.filter((header) => header !== undefined);
    const chunks = sent.includes('Transfer-Encoding: chunked') ? '0\r\n\r\n' : '';
    expect(await exchange(rest.port, raw('POST', '/v2/echo', sent, chunks))).toContain('{"bytes":""}');
  });

  it('arrive chunked, and after 100-continue', async () => {
    const chunked = raw('POST', '/v2/echo', ['Transfer-Encoding: chunked'], '3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\n\r\n');
    expect(await exchange(rest.port, chunked)).toContain('{"bytes":"abcde"}');
    const expecting = raw('POST', '/v2/echo', ['Content-Length: 2', 'Expect: 100-continue'], 'ok');
    expect(await exchange(rest.port, expecting)).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK/);
  });

  it('F25: may have as many bytes as allowed', async () => {
    const body = 'x'.repeat(LIMIT);
    expect(await json('/v2/echo', { method: 'POST', body })).toEqual({ status: 200, bytes: body });
  });

  const tooLarge = (size: number) =>
    `request JSON size of ${size} bytes exceeds the maximum allowed input size of ${LIMIT} bytes. Use MAX_MESSAGE_BYTES to increase the limit.`;

  it('F25: are refused by their declared length, before any of it has come', async () => {
    const answer = await exchange(rest.port, raw('POST', '/v2/echo', ['Content-Length: 1000000000']));
    expect(answer).toContain(JSON.stringify({ error: tooLarge(1_000_000_000) }));
  });

  it('F25: are refused with one byte more, and the connection lives on', async () => {
    const answer = await exchange(
      rest.port,
      `POST /v2/echo HTTP/1.1\r\nHost: a\r\nContent-Length: ${LIMIT + 1}\r\n\r\n`,
      'x'.repeat(LIMIT + 1),
      raw('GET', '/v2', []),
    );
    expect(answer).toContain('HTTP/1.1 400 Bad Request');
    expect(answer).toContain(JSON.stringify({ error: tooLarge(LIMIT + 1) }));
    expect(answer).toContain('{"name":"probe"}');
    expect(outcomes()[0]).toEqual(['POST /v2/echo', 'resource-exhausted', 400]);
  });

  it('F25: are refused with one byte more in chunks, which are read to their end', async () => {
    const chunk = `${(LIMIT + 1).toString(16)}\r\n${'x'.repeat(LIMIT + 1)}\r\n`;
    const head = 'POST /v2/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
    const rest_ = `${chunk.repeat(500)}0\r\n\r\n`;
    const answer = await exchange(rest.port, head, chunk, rest_, raw('GET', '/v2', []));
    expect(answer).toContain(JSON.stringify({ error: tooLarge(LIMIT + 1) }));
    expect(answer).toContain('{"name":"probe"}');
  });

  it('F28: are refused in more chunks than anyone needs', async () => {
    const roomy = await startRest({ controllers: [ProbeController], maxMessageBytes: 10_000_000 });
    try {
      const head = raw('POST', '/v2/echo', ['Transfer-Encoding: chunked']);
      const answer = await exchange(roomy.port, head, '1\r\nx\r\n'.repeat(65_537), '0\r\n\r\n');
      expect(answer).toContain('HTTP/1.1 400 Bad Request');
      expect(answer).toContain('Chunked request body exceeds maximum of 65536 non-empty chunks.');
      const allowed = await exchange(roomy.port, head, '1\r\nx\r\n'.repeat(65_536), '0\r\n\r\n');
      expect(allowed).toContain('HTTP/1.1 200 OK');
    } finally {
      await roomy.app.close();
    }
  });

  it.each(['br', 'zstd', 'gzip, gzip', 'deflate, gzip', 'nonsense'])(
    'F26: are refused in the encoding %s',
    async (encoding) => {
      const reply = await fetch(`${rest.url}/v2/echo`, {
        method: 'POST',
        body: 'anything',
        headers: { 'content-encoding': encoding },
      });
      expect(reply.status).toBe(501);
      expect(reply.headers.get('accept-encoding')).toBe('gzip, deflate');
      const { error } = (await reply.json()) as { error: string };
      expect(error).toContain('Unsupported compression type');
      expect(error).toContain(`'${encoding}'`);
    },
  );

  it.each([
    ['twice', ['Content-Length: 2', 'Content-Length: 2'], 'ok'],
    ['twice and different', ['Content-Length: 2', 'Content-Length: 3'], 'ok'],
    ['with Transfer-Encoding', ['Content-Length: 2', 'Transfer-Encoding: chunked'], '0\r\n\r\n'],
    ['negative', ['Content-Length: -1'], ''],
    ['no number', ['Content-Length: two'], 'ok'],
  ])('F29: are refused with a Content-Length that is given %s', async (_, headers, body) => {
    const answer = await exchange(rest.port, raw('POST', '/v2/echo', headers, body));
    expect(answer).toContain('HTTP/1.1 400 Bad Request');
    expect(answer).toMatch(/\{"error":"Parse Error: .*(?:Content-Length|chunk).*"\}$/);
    await expectAlive();
  });

  it('F29: longer than their Content-Length are not read on', async () => {
    const answer = await exchange(
      rest.port,
      'POST /v2/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok and more\r\n\r\n',
    );
    expect(answer).toMatch(/HTTP\/1.1 400 Bad Request/);
    await expectAlive();
  });

  it('F29: shorter than their Content-Length are given up when the caller leaves', async () => {
    const socket = connect(rest.port, '127.0.0.1');
    socket.write('POST /v2/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\nhalf');
    await vi.waitFor(() => expect(socket.bytesWritten).toBeGreaterThan(0));
    setTimeout(() => socket.destroy(), 50);
    await vi.waitFor(() => expect(outcomes()).toEqual([['POST /v2/echo', 'cancelled', 400]]), { timeout: 5_000 });
    await expectAlive();
  });
});

describe('overload', () => {
  it('is asked for inferences alone, behind who calls, and told of each that ends', async () => {
    const overload = new FakeOverload();
    const gate = new Deferred();
    const { started, controller } = waitingInference(gate);
    const busy = await startRest({ controllers: [ProbeController, controller], overload });
    try {
      const post = (path: string) => fetch(busy.url + path, { method: 'POST', body: '{}' });
      const first = post('/v2/infer');
      await started.promise;
      expect(overload.inside).toBe(1);
      overload.reason = new ServingError('unavailable', 'too much to do', { retryAfterMs: 2_500 });
      const refused = await post('/v2/infer');
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '3']);
      expect(await refused.json()).toEqual({ error: 'too much to do' });
      expect((await post('/v2/echo')).status).toBe(200);
      expect((await fetch(`${busy.url}/v2/health/live`)).status).toBe(200);
      gate.resolve();
      expect((await first).status).toBe(200);
      await vi.waitFor(() => expect(overload.inside).toBe(0));
    } finally {
      await busy.app.close();
    }
  });

  it('is told of callers who leave, once', async () => {
    const overload = new FakeOverload();
    const { started, controller } = waitingInference(new Deferred());
    const busy = await startRest({ controllers: [controller], overload });
    try {
      const socket = connect(busy.port, '127.0.0.1');
      socket.write('POST /v2/infer HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n');
      await started.promise;
      socket.destroy();
      await vi.waitFor(() => expect(overload.inside).toBe(0));
      expect(busy.observer.calls).toHaveLength(1);
    } finally {
      await busy.app.close();
    }
  });
});

describe('the call', () => {
  it('knows who, what, where from and how long', async () => {
    const headers = { authorization: 'Bearer a', 'x-request-id': 'r-1', 'user-agent': 'spec/1' };
    const { left, ...call } = await json('/v2/whoami?x=1', { headers });
    expect(call).toEqual({
      status: 200,
      principal: ALICE,
      requestId: 'r-1',
      wire: 'rest',
      operation: 'GET /v2/whoami',
      peer: '127.0.0.1',
      userAgent: 'spec/1',
    });
    expect(left).toBeGreaterThan(29_000);
    expect(left).toBeLessThanOrEqual(30_000);
  });

  it('keeps a refusal for the guards', async () => {
    const call = await json('/v2/whoami', { headers: { authorization: 'Bearer b' } });
    expect(call).toMatchObject({ status: 200, refusal: "'Bearer b' is not known" });
    expect(call).not.toHaveProperty('principal');
  });

  it.each(['/v2', '/v2/nothing'])('has its request id in the reply of %s', async (path) => {
    const sane = await fetch(rest.url + path, { headers: { 'x-request-id': 'r-1' } });
    expect(sane.headers.get('x-request-id')).toBe('r-1');
    const insane = await fetch(rest.url + path, { headers: { 'x-request-id': 'a b' } });
    expect(insane.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('is finished and reported once, when it is answered', async () => {
    const finish = vi.spyOn(CallContext.prototype, 'finish');
    await json('/v2/items/a');
    await json('/v2/items/b');
    await vi.waitFor(() => expect(finish).toHaveBeenCalledTimes(2));
    finish.mockRestore();
    await vi.waitFor(() =>
      expect(outcomes()).toEqual([
        ['GET /v2/items/:item', 'ok', 200],
        ['GET /v2/items/:item', 'ok', 200],
      ]),
    );
  });

  it('is aborted and reported as cancelled when the caller leaves, once', async () => {
    const started = new Promise<void>((resolve) => (slow.started = resolve));
    const controller = new AbortController();
    const gone = fetch(`${rest.url}/v2/slow`, { signal: controller.signal }).catch(() => undefined);
    await started;
    controller.abort();
    await gone;
    await vi.waitFor(() => expect(outcomes()).toEqual([['GET /v2/slow', 'cancelled', 400]]), { timeout: 5_000 });
    expect(slow.reasons).toEqual([expect.objectContaining({ code: 'cancelled' })]);
    await expectAlive();
    expect(rest.observer.calls.filter(({ outcome }) => outcome.code === 'cancelled')).toHaveLength(1);
  });

  it('is aborted too where the handler asks only when the caller has left', async () => {
    const started = new Promise<void>((resolve) => (late.started = resolve));
    const controller = new AbortController();
    const gone = fetch(`${rest.url}/v2/late`, { signal: controller.signal }).catch(() => undefined);
    await started;
    controller.abort();
    await gone;
    await vi.waitFor(() => expect(rest.observer.calls).toHaveLength(1), { timeout: 5_000 });
    late.go();
    await vi.waitFor(() => expect(late.reason).toMatchObject({ code: 'cancelled' }));
  });

  it('is aborted for every request that the caller had pipelined', async () => {
    const socket = connect(rest.port, '127.0.0.1');
    const closed = receive(socket);
    let count = 0;
    const started = new Promise<void>((resolve) => (slow.started = () => ++count === 30 && resolve()));
    socket.write('GET /v2/slow HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(30));
    await started;
    socket.destroy();
    await closed;
    await vi.waitFor(() => expect(outcomes()).toHaveLength(30), { timeout: 5_000 });
    expect(new Set(outcomes().map(([, code]) => code))).toEqual(new Set(['cancelled']));
    expect(slow.reasons).toHaveLength(30);
  });

  it('is let go of while its connection lives on', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const socket = connect(rest.port, '127.0.0.1');
    const closed = receive(socket);
    const ask = (count: number) => {
      socket.write('GET /v2 HTTP/1.1\r\nHost: a\r\n\r\n');
      return vi.waitFor(() => expect(rest.observer.calls).toHaveLength(count));
    };
    await ask(1);
    const call = new WeakRef(rest.observer.calls[0]?.call ?? {});
    await ask(2);
    rest.observer.calls.length = 0;
    await vi.waitFor(() => {
      collect();
      expect(call.deref()).toBeUndefined();
    });
    socket.destroy();
    await closed;
  });

  it('is aborted by its deadline', async () => {
    const hasty = await startRest({ controllers: [ProbeController], requestTimeoutMs: 50 });
    try {
      expect((await fetch(`${hasty.url}/v2/slow`)).status).toBe(200);
      expect(slow.reasons).toEqual([expect.objectContaining({ code: 'deadline-exceeded' })]);
    } finally {
      await hasty.app.close();
    }
  });
});

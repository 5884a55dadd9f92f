import { connect } from 'node:net';
import { inspect } from 'node:util';
import {
  BadRequestException,
  Controller,
  ForbiddenException,
  Get,
  ImATeapotException,
  InternalServerErrorException,
  Logger,
  Param,
  Res,
} from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, type MockInstance, vi } from 'vitest';
import { receive, type RestApp, startRest } from '../../../test/support/rest-app.js';
import { malformedVersion, modelNotFound } from '../../core/errors/catalogue.js';
import { type ErrorCode, ServingError } from '../../core/errors/serving-error.js';
import { HTTP_STATUS } from './status.js';

const CODES = Object.keys(HTTP_STATUS) as ErrorCode[];

/** Whatever a handler may throw, by name. */
const THROWN: Readonly<Record<string, unknown>> = {
  ...Object.fromEntries(CODES.map((code) => [code, new ServingError(code, `it is ${code}`)])),
  'unknown-model': modelNotFound('m', '3'),
  'malformed-version': malformedVersion('x'),
  'with-cause': new ServingError('unavailable', 'try later', { cause: new Error('secret disk') }),
  error: new Error('secret path /etc/keys'),
  null: null,
  undefined,
  text: 'secret text',
  hostile: Object.create(null),
  trap: {
    [inspect.custom]: () => {
      throw new Error('secret trap');
    },
  },
  forbidden: new ForbiddenException(),
  teapot: new ImATeapotException('short and stout'),
  problems: new BadRequestException(['a must be a string', 'b is missing']),
  'nest-internal': new InternalServerErrorException('secret detail'),
};

@Controller()
class FailingController {
  @Get('fail/:kind')
  fail(@Param('kind') kind: string): never {
    throw THROWN[kind];
  }

  @Get('half')
  half(@Res() reply: FastifyReply): never {
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
    throw new Error('secret in mid-stream');
  }

  @Get('hijacked')
  hijacked(@Res() reply: FastifyReply): never {
    reply.hijack();
    throw new ServingError('unavailable', 'no stream today');
  }
}

let rest: RestApp;
let logged: MockInstance<Logger['error']>;

beforeAll(async () => {
  rest = await startRest({
    controllers: [FailingController],
    prepare: (app) =>
      void app.use('/guarded', () => {
        throw new ServingError('permission-denied', 'not through here');
      }),
  });
});

afterAll(() => rest.app.close());

beforeEach(() => {
  logged = vi.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
  rest.observer.calls.length = 0;
});

afterEach(() => void vi.restoreAllMocks());

const get = async (path: string) => {
  const reply = await fetch(rest.url + path, { headers: { 'x-request-id': 'r-1' } });
  return { reply, text: await reply.text() };
};

it.each(CODES)('answers %s with its status, its message and its outcome', async (code) => {
  const { reply, text } = await get(`/fail/${code}`);
  expect(reply.status).toBe(HTTP_STATUS[code]);
  expect(reply.headers.get('content-type')).toBe('application/json');
  expect(JSON.parse(text)).toEqual({ error: `it is ${code}` });
  await vi.waitFor(() => expect(rest.observer.calls).toHaveLength(1));
  expect(rest.observer.calls[0]?.outcome).toEqual({ code, status: HTTP_STATUS[code] });
  expect(logged).toHaveBeenCalledTimes(code === 'internal' ? 1 : 0);
});

it.each([
  ['unknown-model', 404, "Request for unknown model: 'm' version 3 is not found"],
  ['malformed-version', 404, malformedVersion('x').message],
  ['forbidden', 403, 'Forbidden'],
  ['teapot', 418, 'short and stout'],
  ['problems', 400, 'a must be a string; b is missing'],
])('answers %s with %i and its message', async (kind, status, error) => {
  const { reply, text } = await get(`/fail/${kind}`);
  expect(reply.status).toBe(status);
  expect(JSON.parse(text)).toEqual({ error });
  expect(logged).not.toHaveBeenCalled();
});

it.each(['error', 'null', 'undefined', 'text', 'hostile', 'trap', 'nest-internal'])(
  'hides what is thrown as %s, and logs it once with the request id',
  async (kind) => {
    const { reply, text } = await get(`/fail/${kind}`);
    expect(reply.status).toBe(500);
    expect(text.toLowerCase()).toBe('{"error":"internal server error"}');
    expect(logged).toHaveBeenCalledTimes(1);
    expect(logged.mock.calls[0]?.[0]).toMatchObject({ requestId: 'r-1', operation: 'GET /fail/:kind' });
  },
);

it('runs no code of what is thrown', async () => {
  await get('/fail/trap');
  expect(JSON.stringify(logged.mock.calls)).not.toContain('secret trap');
});

it('logs the stack of an error, and keeps it to itself', async () => {
  const { text } = await get('/fail/error');
  expect(text).not.toContain('secret');
  expect(logged).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({ message: 'Internal server error', cause: 'Error: secret path /etc/keys' }),
    expect.stringContaining('rest-error.filter.spec'),
  );
});

it('logs the cause of a ServingError, and sends its message', async () => {
  const { reply, text } = await get('/fail/with-cause');
  expect(reply.status).toBe(503);
  expect(text).toBe('{"error":"try later"}');
  expect(logged).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({ message: 'try later', cause: 'Error: secret disk', requestId: 'r-1' }),
    expect.any(String),
  );
});

it.each([
  ['unauthenticated', 'www-authenticate', 'Bearer'],
  ['unavailable', 'retry-after', '1'],
  ['resource-exhausted', 'retry-after', '1'],
  ['internal', 'retry-after', null],
])('hints with %s by the header %s: %s', async (kind, header, value) => {
  const { reply } = await get(`/fail/${kind}`);
  expect(reply.headers.get(header)).toBe(value);
});

it('cuts a reply that has begun, for it can no longer say what went wrong', async () => {
  const socket = connect(rest.port, '127.0.0.1');
  const received = receive(socket);
  socket.write('GET /half HTTP/1.1\r\nHost: a\r\n\r\n');
  expect(await received).toMatch(/data: 1\n\n\r\n$/);
  expect(logged).toHaveBeenCalledTimes(1);
  expect(rest.observer.calls.map(({ outcome }) => outcome)).toEqual([{ code: 'internal', status: 200 }]);
});

it('answers for a handler that took the response over and failed', async () => {
  const { reply, text } = await get('/hijacked');
  expect(reply.status).toBe(503);
  expect(text).toBe('{"error":"no stream today"}');
});

it('answers for middleware, which knows no Fastify reply', async () => {
  const { reply, text } = await get('/guarded/door');
  expect(reply.status).toBe(403);
  expect(text).toBe('{"error":"not through here"}');
});

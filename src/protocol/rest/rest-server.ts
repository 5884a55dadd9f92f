import { STATUS_CODES } from 'node:http';
import type { ServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import { type HttpException, MethodNotAllowedException, NotFoundException } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { REQUEST_ID_HEADER } from '../call/request-id.js';
import { bodyParser } from './body/read-body.js';
import { attachedCall } from '../call/call-context.js';
import { type CallTracking, trackCall } from './rest-call.js';

/** The REST server: which bytes it takes, which routes it knows, and what every request goes through. */

export interface RestServerParts extends CallTracking {
  /** The largest body, in bytes; a larger one is refused with 400. */
  readonly maxMessageBytes: number;
}

/** The longest segment of a path; names of models are segments. */
const MAX_SEGMENT_LENGTH = 512;

/** How long a request may take to arrive: the default of Node.js, which Fastify would turn off. */
const RECEIVE_TIMEOUT_MS = 300_000;

/** Makes the adapter to create the application with; Nest's own body parsers have to be off (`bodyParser: false`). */
export function createRestAdapter(https?: ServerOptions): FastifyAdapter {
  const adapter = new FastifyAdapter({
    ...(https === undefined ? {} : { https }),
    exposeHeadRoutes: false,
    // The server closes when its calls have ended; what is left then are connections that nobody uses.
    forceCloseConnections: true,
    requestTimeout: RECEIVE_TIMEOUT_MS,
    routerOptions: { maxParamLength: MAX_SEGMENT_LENGTH },
    rewriteUrl: ({ url = '/' }) => url.replace(/^\/v2\/(?=$|\?)/, '/v2'),
    frameworkErrors: answerUnroutable,
    clientErrorHandler: answerUnreadable,
  });
  collectRoutes(adapter.getInstance());
  return adapter;
}

/**
 * Gives every request a call context, and every handler its body as a `Buffer`, whatever the Content-Type.
 * Call it before the application is initialised.
 */
export function configureRest(app: NestFastifyApplication, { maxMessageBytes, ...tracking }: RestServerParts): void {
  const fastify = app.getHttpAdapter().getInstance();
  fastify.addContentTypeParser('*', bodyParser(maxMessageBytes));
  fastify.addHook('onRequest', (request, reply, done) => {
    // Fastify answers 415 to a type that it cannot parse; here the type decides nothing.
    request.raw.headers['content-type'] = 'application/octet-stream';
    const refusal = trackCall(request, reply, tracking);
    const enter = (error?: Error): void =>
      done(error ?? (request.is404 ? noSuchRoute(fastify, request, reply) : undefined));
    if (refusal instanceof Promise) void refusal.then(enter);
    else enter(refusal);
  });
  // Last of all, since the id may have come with the body.
  fastify.addHook('onSend', (request, reply, _payload, done) => {
    const call = attachedCall(request);
    if (call !== undefined) reply.header(REQUEST_ID_HEADER, call.requestId);
    done();
  });
}

/** Paths that the router itself refuses: no hook and no filter sees them. */
function answerUnroutable({ code }: FastifyError, _request: FastifyRequest, reply: FastifyReply): void {
  const error =
    code === 'FST_ERR_MAX_PARAM_LENGTH'
      ? `a segment of the path is longer than ${MAX_SEGMENT_LENGTH} characters`
      : 'the path is not a well-formed URL';
  void reply
    .code(400)
    .type('application/json')
    .send(Buffer.from(JSON.stringify({ error })));
}

const UNREADABLE: Readonly<Record<string, number>> = { ERR_HTTP_REQUEST_TIMEOUT: 408, HPE_HEADER_OVERFLOW: 431 };

/** Bytes that are no HTTP: the parser stops before there is a request to answer, and says why. */
function answerUnreadable({ code, message }: NodeJS.ErrnoException, socket: Socket): void {
  if (code === 'ECONNRESET' || socket.destroyed) return;
  const status = UNREADABLE[code ?? ''] ?? 400;
  const standard = STATUS_CODES[status] ?? 'Error';
  // The parser has no words of its own for a body that is shorter than its Content-Length.
  const reason = code === 'HPE_INVALID_EOF_STATE' ? 'Parse Error: the connection ended before the body did' : message;
  const body = JSON.stringify({ error: /^(?:HPE_|ERR_HTTP_)/.test(code ?? '') ? reason : standard });
  const head = [
    `HTTP/1.1 ${status} ${standard}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Content-Type: application/json',
    'Connection: close',
  ];
  if (socket.writable) socket.write([...head, '', body].join('\r\n'));
  socket.destroy();
}

/** A route as the router knows it. */
export interface RegisteredRoute {
  readonly method: string;
  readonly url: string;
}

const routesOf = new WeakMap<object, RegisteredRoute[]>();

function collectRoutes(fastify: FastifyInstance): void {
  const routes: RegisteredRoute[] = [];
  routesOf.set(fastify, routes);
  fastify.addHook('onRoute', ({ method, url }) => {
    for (const name of [method].flat()) routes.push({ method: name, url });
  });
}

/** Every route that really is registered, whoever did it; complete once the application is initialised. */
export const registeredRoutes = (app: NestFastifyApplication): readonly RegisteredRoute[] =>
  routesOf.get(app.getHttpAdapter().getInstance()) ?? [];

function noSuchRoute(fastify: FastifyInstance, { url }: FastifyRequest, reply: FastifyReply): HttpException {
  const methods = new Set(routesOf.get(fastify)?.map(({ method }) => method));
  const allowed = [...methods].filter((method) => {
    const params: object | undefined = fastify.findRoute({ method, url })?.params;
    // A wildcard stands for any path, that of CORS for all: it makes none of them known.
    return params !== undefined && !('*' in params);
  });
  if (allowed.length === 0) return new NotFoundException();
  reply.header('allow', allowed.join(', '));
  return new MethodNotAllowedException();
}

import type { ServerOptions } from 'node:https';
import { Readable } from 'node:stream';
import { type HttpException, MethodNotAllowedException, NotFoundException } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { REQUEST_ID_HEADER } from '../call/request-id.js';
import { attachedCall } from '../call/call-context.js';
import { bodyParser } from './body/read-body.js';
import { type CallTracking, trackCall } from './rest-call.js';
import { answerUnreadable } from './server/answer-unreadable.js';
import type { ConnectionsConfig } from './server/connections.config.js';
import { httpOptions } from './server/http-options.js';
import { refuseHeaders } from './server/refuse-headers.js';
import { schemaCompilers } from './server/schema-compilers.js';
import { watchSending, watchStreaming } from './server/watch-sending.js';

/** The REST server: which bytes it takes, which routes it knows, and what every request goes through. */

export interface RestServerParts extends CallTracking {
  /** The largest body, in bytes; a larger one is refused with 400. */
  readonly maxMessageBytes: number;
  /** How long a caller may take nothing of a reply, in milliseconds. */
  readonly sendTimeoutMs: number;
}

const ANY_TYPE = 'application/octet-stream';

/** The longest segment of a path; names of models are segments. */
const MAX_SEGMENT_LENGTH = 512;

/** Makes the adapter to create the application with; Nest's own body parsers have to be off (`bodyParser: false`). */
export function createRestAdapter(config: ConnectionsConfig, https?: ServerOptions): FastifyAdapter {
  const options = httpOptions(config);
  const adapter = new FastifyAdapter({
    ...(https === undefined ? { http: options } : { https: { ...options, ...https } }),
    exposeHeadRoutes: false,
    schemaController: { compilersFactory: schemaCompilers },
    // The server closes when its calls have ended; what is left then are connections that nobody uses.
    forceCloseConnections: true,
    requestTimeout: config.REST_RECEIVE_TIMEOUT_MS,
    keepAliveTimeout: config.REST_KEEP_ALIVE_TIMEOUT_MS,
    routerOptions: { maxParamLength: MAX_SEGMENT_LENGTH },
    rewriteUrl: ({ url = '/' }) => url.replace(/^\/v2\/(?=$|\?)/, '/v2'),
    frameworkErrors: answerUnroutable,
    clientErrorHandler: answerUnreadable,
  });
  const fastify = adapter.getInstance();
  // What goes beyond would be left out, as if it had not been sent; it is refused instead.
  fastify.server.maxHeadersCount = 0;
  if (config.REST_MAX_CONNECTIONS > 0) fastify.server.maxConnections = config.REST_MAX_CONNECTIONS;
  collectRoutes(fastify);
  return adapter;
}

/**
 * Gives every request a call context, and every handler its body as a `Buffer`, whatever the Content-Type.
 * Call it before the application is initialised.
 */
export function configureRest(app: NestFastifyApplication, parts: RestServerParts): void {
  const { maxMessageBytes, sendTimeoutMs, ...tracking } = parts;
  const fastify = app.getHttpAdapter().getInstance();
  const parser = bodyParser(maxMessageBytes);
  fastify.addContentTypeParser('*', parser);
  // By its name it is found at once.
  fastify.addContentTypeParser(ANY_TYPE, parser);
  fastify.addHook('onRequest', (request, reply, done) => {
    // Fastify answers 415 to a type that it cannot parse; here the type decides nothing.
    request.raw.headers['content-type'] = ANY_TYPE;
    const refusal = trackCall(request, reply, tracking);
    const enter = (error?: Error): void =>
      done(refuseHeaders(request.raw) ?? error ?? (request.is404 ? noSuchRoute(fastify, request, reply) : undefined));
    if (refusal instanceof Promise) void refusal.then(enter);
    else enter(refusal);
  });
  // Last of all, since the id may have come with the body.
  fastify.addHook('onSend', (request, reply, payload, done) => {
    const call = attachedCall(request);
    if (call !== undefined) reply.header(REQUEST_ID_HEADER, call.requestId);
    if (payload instanceof Readable) watchStreaming(reply.raw, payload, sendTimeoutMs);
    else watchSending(reply.raw, sendTimeoutMs);
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

/** A route as the router knows it. */
export interface RegisteredRoute {
  readonly method: string;
  readonly url: string;
}

const collected = new WeakMap<object, RegisteredRoute[]>();

function collectRoutes(fastify: FastifyInstance): void {
  const routes: RegisteredRoute[] = [];
  collected.set(fastify, routes);
  fastify.addHook('onRoute', ({ method, url }) => {
    for (const name of [method].flat()) routes.push({ method: name, url });
  });
}

/** Every route that really is registered, whoever did it; complete once the application is initialised. */
export const registeredRoutes = (app: NestFastifyApplication): readonly RegisteredRoute[] =>
  routesOf(app.getHttpAdapter().getInstance());

/** Those of an instance of Fastify. */
export const routesOf = (fastify: object): readonly RegisteredRoute[] => collected.get(fastify) ?? [];

function noSuchRoute(fastify: FastifyInstance, { url }: FastifyRequest, reply: FastifyReply): HttpException {
  const methods = new Set(routesOf(fastify).map(({ method }) => method));
  const allowed = [...methods].filter((method) => {
    const params: object | undefined = fastify.findRoute({ method, url })?.params;
    // A wildcard stands for any path, that of CORS for all: it makes none of them known.
    return params !== undefined && !('*' in params);
  });
  if (allowed.length === 0) return new NotFoundException();
  reply.header('allow', allowed.join(', '));
  return new MethodNotAllowedException();
}

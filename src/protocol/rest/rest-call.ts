import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { TLSSocket } from 'node:tls';
import type { ErrorCode, ServingError } from '../../core/errors/serving-error.js';
import type { ActiveCalls } from '../call/active-calls.js';
import { authenticateCall } from '../call/authenticate-call.js';
import { type CallAuthenticator, type Credentials, missingCredentials } from '../call/call-authenticator.js';
import { attachCall, CallContext, type CallDetails } from '../call/call-context.js';
import { subjectOf } from '../call/certificate-subject.js';
import type { CallObserver, CallOutcome } from '../call/call-observer.js';
import type { HeaderForwarding } from '../call/header-forwarding.js';
import type { Overload } from '../call/overload.js';
import { outcomeCode } from '../http-exception.js';
import { REQUEST_ID_HEADER } from '../call/request-id.js';
import { isInference } from './inference-route.decorator.js';
import { requestHeader } from './request-header.js';
import { HTTP_STATUS } from './status.js';

export interface CallTracking {
  readonly calls: ActiveCalls;
  readonly authenticator: CallAuthenticator;
  readonly observer: CallObserver;
  readonly overload: Overload;
  /** Absent where no header becomes a parameter. */
  readonly forwarding?: HeaderForwarding | undefined;
  /** How long a call may take before its signal aborts. */
  readonly requestTimeoutMs: number;
}

/**
 * Gives a request its call context, settles who calls, and reports to the observer when the call is over, however it
 * ended. Answers with the reason where the request is refused without reading its body.
 */
export function trackCall(
  request: FastifyRequest,
  reply: FastifyReply,
  tracking: CallTracking,
): ServingError | undefined | Promise<ServingError | undefined> {
  const { authenticator, calls, observer, overload, forwarding, requestTimeoutMs } = tracking;
  const details = new RestCallDetails(request, Date.now() + requestTimeoutMs);
  const call = new CallContext(details);
  const { model = '', version = '' } = request.params as { readonly model?: string; readonly version?: string };
  call.model = model;
  call.version = version;
  if (forwarding !== undefined) call.forwarded = () => forwarding.parametersOf(sentHeaders(request));
  attachCall(request, call);
  calls.opened(call);
  let entered = false;
  details.whenOver(reply, (answered) => {
    call.finish();
    calls.closed(call);
    if (entered) overload.leave();
    observer.finished(call, outcomeOf(request, reply, answered));
  });
  const admit = (): ServingError | undefined => {
    const refusal = refusalOf(call, request, tracking);
    if (refusal !== undefined || details.over || !isInference(request)) return refusal;
    const overloaded = overload.refusal();
    if (overloaded !== undefined) return overloaded;
    overload.enter();
    entered = true;
    return undefined;
  };
  const pending = authenticateCall(call, details, authenticator);
  return pending === undefined ? admit() : pending.then(admit);
}

/** As they came: what stands in their place by name may have been changed since. */
function* sentHeaders({ raw: { rawHeaders } }: FastifyRequest): Generator<readonly [string, string]> {
  for (let index = 0; index < rawHeaders.length; index += 2)
    yield [rawHeaders[index] ?? '', rawHeaders[index + 1] ?? ''];
}

/**
 * No public operation reads a body, so a request that brings one is refused before it is read; so is any work while the
 * server ends.
 */
function refusalOf(
  call: CallContext,
  { method }: FastifyRequest,
  { authenticator: { required }, calls: { refusal } }: CallTracking,
): ServingError | undefined {
  if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return undefined;
  if (required && call.principal === undefined) return call.refusal ?? missingCredentials();
  return refusal;
}

class RestCallDetails implements CallDetails, Credentials {
  readonly wire = 'rest';
  /** Read at once: a socket forgets it when it closes. */
  readonly peer: string;
  private readonly listeners: (() => void)[] = [];
  private disconnected = false;
  /** Whether the call is answered, or given up. */
  over = false;

  constructor(
    private readonly request: FastifyRequest,
    readonly deadline: number,
  ) {
    this.peer = request.raw.socket.remoteAddress ?? '';
  }

  /** A path that no route serves is left out: it would be a name for each caller's mistake. */
  get operation(): string {
    return `${this.request.method} ${this.request.routeOptions.url ?? '*'}`;
  }

  get requestId(): string | undefined {
    return requestHeader(this.request.headers, REQUEST_ID_HEADER);
  }

  header(name: string): string | undefined {
    return requestHeader(this.request.headers, name);
  }

  certificateSubject(): string | undefined {
    const { socket } = this.request.raw;
    return socket instanceof TLSSocket && socket.authorized ? subjectOf(socket.getPeerCertificate()) : undefined;
  }

  get userAgent(): string {
    return requestHeader(this.request.headers, 'user-agent') ?? '';
  }

  readonly onDisconnect = (listener: () => void): void => {
    if (this.disconnected) listener();
    else this.listeners.push(listener);
  };

  /** Calls back once: when the reply is written, or when the connection ends before that. */
  whenOver(reply: FastifyReply, callback: (answered: boolean) => void): void {
    let answered = false;
    const end = (): void => {
      if (this.over) return;
      this.over = true;
      stopWaiting();
      this.disconnected = !answered;
      if (!answered) for (const listener of this.listeners) listener();
      callback(answered);
    };
    // A pipelined reply that still waits for its turn is not closed with the connection.
    const stopWaiting = onSocketClose(this.request.raw.socket, end);
    // On a connection that breaks, all that was to be written is given up, and then counts as finished.
    reply.raw.prependOnceListener('finish', () => (answered = !this.request.raw.socket.destroyed));
    reply.raw.once('close', end);
  }
}

const waiting = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls back when the socket closes; returns what stops the waiting.
 *
 * A socket gets one listener for all its requests: a caller may pipeline any number of them.
 */
function onSocketClose(socket: Socket, callback: () => void): () => void {
  const callbacks = waiting.get(socket) ?? watch(socket);
  callbacks.add(callback);
  return () => void callbacks.delete(callback);
}

function watch(socket: Socket): Set<() => void> {
  const callbacks = new Set<() => void>();
  waiting.set(socket, callbacks);
  socket.once('close', () => {
    for (const callback of callbacks) callback();
  });
  return callbacks;
}

const OUTCOME = Symbol('outcome');

/** Notes on a request which error it is answered with: several of them share a status. */
export function recordOutcome(request: object, code: ErrorCode): void {
  (request as { [OUTCOME]?: ErrorCode })[OUTCOME] = code;
}

function outcomeOf(request: object, { raw: { statusCode } }: FastifyReply, answered: boolean): CallOutcome {
  const recorded = (request as { [OUTCOME]?: ErrorCode })[OUTCOME];
  if (recorded === undefined && !answered) return { code: 'cancelled', status: HTTP_STATUS.cancelled };
  return { code: recorded ?? outcomeCode(statusCode), status: statusCode };
}

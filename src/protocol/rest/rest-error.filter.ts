import type { ServerResponse } from 'node:http';
import { inspect } from 'node:util';
import {
  type ArgumentsHost,
  BadRequestException,
  Catch,
  type ExceptionFilter,
  HttpException,
  Logger,
} from '@nestjs/common';
import type { FastifyError, FastifyReply } from 'fastify';
import { toServingError } from '../../core/errors/catalogue.js';
import type { ErrorReason, ServingError } from '../../core/errors/serving-error.js';
import { attachedCall } from '../call/call-context.js';
import { callersText, retryAfterMsOf } from '../http-exception.js';
import { CODINGS } from './body/inflate-body.js';
import { recordOutcome } from './rest-call.js';
import { httpStatus } from './status.js';

interface ErrorAnswer {
  readonly status: number;
  readonly message: string;
  readonly reason?: ErrorReason | undefined;
  readonly retryAfterMs?: number | undefined;
}

/**
 * Answers every error of the REST wire with `{"error": message}`.
 *
 * Only the text of a `ServingError` reaches the caller, and that of an `HttpException` below 500; anything else is
 * `Internal server error`, and is logged with the request id. So is a `ServingError` that is `internal` or has a cause.
 */
@Catch()
export class RestErrorFilter implements ExceptionFilter {
  catch(caught: unknown, host: ArgumentsHost): void {
    const thrown = isRefusedBySchema(caught) ? new BadRequestException(caught.message) : caught;
    const http = host.switchToHttp();
    const request = http.getRequest<object>();
    const response = http.getResponse<FastifyReply | ServerResponse>();
    if (thrown instanceof HttpException) {
      const answer = { status: thrown.getStatus(), message: callersText(thrown) };
      if (answer.status >= 500) log(answer.message, thrown, request);
      return send(response, answer);
    }
    const error = toServingError(thrown);
    reportError(error, request);
    const { message, reason, retryAfterMs } = error;
    send(response, { status: httpStatus(error), message, reason, retryAfterMs });
  }
}

/** A route that a cloner gave a schema of Fastify. */
const isRefusedBySchema = (caught: unknown): caught is Error =>
  caught instanceof Error && Array.isArray((caught as FastifyError).validation);

/** Notes the error as the outcome of a request; logs one that is `internal`, or has a cause. */
export function reportError(error: ServingError, request: object): void {
  if (error.code === 'internal' || error.cause !== undefined) log(error.message, error.cause, request);
  recordOutcome(request, error.code);
}

const logger = new Logger('RestErrorFilter');

function log(message: string, cause: unknown, request: object): void {
  const call = attachedCall(request);
  const described = cause === undefined ? {} : { cause: describe(cause) };
  const entry = { message, ...described, requestId: call?.requestId, operation: call?.details.operation };
  logger.error(entry, cause instanceof Error ? cause.stack : undefined);
}

const describe = (cause: unknown): string =>
  cause instanceof Error ? `${cause.name}: ${cause.message}` : inspect(cause, { depth: 1, customInspect: false });

const headersOf = ({ status, reason, retryAfterMs = retryAfterMsOf(status) }: ErrorAnswer): Record<string, string> => ({
  'content-type': 'application/json',
  ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
  ...(retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) }),
  ...(reason === 'unsupported-encoding' ? { 'accept-encoding': CODINGS } : {}),
});

function send(response: FastifyReply | ServerResponse, answer: ErrorAnswer): void {
  const body = Buffer.from(JSON.stringify({ error: answer.message }));
  // Middleware has no Fastify reply.
  const raw = 'raw' in response ? response.raw : response;
  if (raw.headersSent) {
    if (!raw.writableEnded) raw.destroy();
  } else if ('raw' in response && !response.sent) {
    // Fastify would close the connection on a body that it did not read, and a caller who still writes would never
    // see the answer; left open, Node.js drops the rest of the body as it arrives.
    if (answer.reason !== undefined) response.removeHeader('connection');
    void response.code(answer.status).headers(headersOf(answer)).send(body);
  } else {
    raw.writeHead(answer.status, headersOf(answer)).end(body);
  }
}

import { inspect } from 'node:util';
import { type ArgumentsHost, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import { FORBIDDEN_MESSAGE } from '@nestjs/core/guards/constants.js';
import { RpcException } from '@nestjs/microservices';
import { type Observable, throwError } from 'rxjs';
import { toServingError } from '../../core/errors/catalogue.js';
import { ServingError } from '../../core/errors/serving-error.js';
import { attachedCall } from '../call/call-context.js';
import { callersText, outcomeCode, retryAfterMsOf } from '../http-exception.js';

/**
 * Maps whatever a guard, pipe or controller threw to a `ServingError`; the strategy writes its status. What has a
 * cause, and what is `internal`, is logged with the request id.
 */
export class GrpcErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger('Grpc');

  catch(thrown: unknown, host: ArgumentsHost): Observable<never> {
    const error = errorOf(thrown);
    const { message, cause } = error;
    if (cause !== undefined || error.code === 'internal') {
      const requestId = attachedCall(host.getArgByIndex<object>(2))?.requestId;
      const described = cause === undefined ? {} : { cause: inspect(cause, { depth: 1, customInspect: false }) };
      this.logger.error({ message, requestId, ...described }, stackOf(cause));
    }
    return throwError(() => error);
  }
}

/** Errors of Nest itself have the code that their status has over REST, and the same text. */
function errorOf(thrown: unknown): ServingError {
  if (thrown instanceof HttpException) return fromHttpException(thrown);
  // What Nest throws on this wire for a guard that answers `false`.
  if (thrown instanceof RpcException && thrown.message === FORBIDDEN_MESSAGE) {
    return new ServingError('permission-denied', FORBIDDEN_MESSAGE);
  }
  return toServingError(thrown);
}

function fromHttpException(exception: HttpException): ServingError {
  const status = exception.getStatus();
  const code = outcomeCode(status);
  if (code === 'ok') return toServingError(exception);
  const retryAfterMs = retryAfterMsOf(status);
  return new ServingError(code, callersText(exception), {
    ...(status < 500 ? {} : { cause: exception }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

const stackOf = (cause: unknown): string | undefined => (cause instanceof Error ? cause.stack : undefined);

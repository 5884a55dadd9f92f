import { inspect } from 'node:util';
import { type ArgumentsHost, type ExceptionFilter, Logger } from '@nestjs/common';
import { type Observable, throwError } from 'rxjs';
import { toServingError } from '../../core/errors/catalogue.js';
import { attachedCall } from '../call/call-context.js';

/**
 * Maps whatever a guard, pipe or controller threw to a `ServingError`; the strategy writes its status. What has a
 * cause, and what is `internal`, is logged with the request id.
 */
export class GrpcErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger('Grpc');

  catch(thrown: unknown, host: ArgumentsHost): Observable<never> {
    const error = toServingError(thrown);
    const { message, cause } = error;
    if (cause !== undefined || error.code === 'internal') {
      const requestId = attachedCall(host.getArgByIndex<object>(2))?.requestId;
      const described = cause === undefined ? {} : { cause: inspect(cause, { depth: 1, customInspect: false }) };
      this.logger.error({ message, requestId, ...described }, stackOf(cause));
    }
    return throwError(() => error);
  }
}

const stackOf = (cause: unknown): string | undefined => (cause instanceof Error ? cause.stack : undefined);

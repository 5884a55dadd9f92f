import { inspect } from 'node:util';
import { type ArgumentsHost, type ExceptionFilter, Logger } from '@nestjs/common';
import { type Observable, throwError } from 'rxjs';
import { toServingError } from '../../core/errors/catalogue.js';
import { attachedCall } from '../call/call-context.js';

/** Maps whatever a guard, pipe or controller threw to a `ServingError`; the strategy writes its status. */
export class GrpcErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger('Grpc');

  catch(thrown: unknown, host: ArgumentsHost): Observable<never> {
    const error = toServingError(thrown);
    if (error.cause !== undefined) {
      const call = attachedCall(host.getArgByIndex<object>(2));
      this.logger.error(
        {
          message: error.message,
          requestId: call?.requestId,
          cause: inspect(error.cause, { depth: 1, customInspect: false }),
        },
        stackOf(error.cause),
      );
    }
    return throwError(() => error);
  }
}

const stackOf = (cause: unknown): string | undefined => (cause instanceof Error ? cause.stack : undefined);

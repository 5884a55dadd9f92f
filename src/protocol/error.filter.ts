import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import { GrpcErrorFilter } from './grpc/grpc-error.filter.js';
import { RestErrorFilter } from './rest/rest-error.filter.js';

/** Hands every thrown value to the filter of its wire. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  private readonly grpc = new GrpcErrorFilter();
  private readonly rest = new RestErrorFilter();

  catch(thrown: unknown, host: ArgumentsHost): unknown {
    return host.getType() === 'rpc' ? this.grpc.catch(thrown, host) : this.rest.catch(thrown, host);
  }
}

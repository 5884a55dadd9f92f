import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import { map, Observable } from 'rxjs';
import { ServingError } from '../core/errors/serving-error.js';
import { Family, Public } from '../protocol/call/operation.decorator.js';
import { HealthService } from './health.service.js';

interface HealthCheckRequest {
  readonly service?: string;
}

/** The services whose health is the server's own; an empty name asks for the server as a whole. */
const SERVICES: ReadonlySet<string> = new Set([
  '',
  'inference.GRPCInferenceService',
  'inference.GrpcInferenceService',
  'inference.model_repository.ModelRepositoryService',
  'grpc.health.v1.Health',
]);

/** `grpc.health.v1`, the health protocol of gRPC itself, which Kubernetes probes and client-side balancers speak. */
@Public()
@Family('health')
@Controller()
export class GrpcHealthController {
  constructor(private readonly health: HealthService) {}

  @GrpcMethod('Health', 'Check')
  check(@Payload() { service = '' }: HealthCheckRequest) {
    if (!SERVICES.has(service)) throw new ServingError('not-found', `unknown service '${service}'`);
    return toReply(this.health.ready);
  }

  /** Streams the current status and then each change; an unknown service may still appear, so it is no error here. */
  @GrpcMethod('Health', 'Watch')
  watch(@Payload() { service = '' }: HealthCheckRequest) {
    return SERVICES.has(service) ? this.health.readyChanges.pipe(map(toReply)) : UNKNOWN_FOREVER;
  }
}

const toReply = (ready: boolean) => ({ status: ready ? 'SERVING' : 'NOT_SERVING' });

const UNKNOWN_FOREVER = new Observable<{ status: string }>((subscriber) =>
  subscriber.next({ status: 'SERVICE_UNKNOWN' }),
);

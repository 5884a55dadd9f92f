import type { IncomingHttpHeaders } from 'node:http';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ServingError } from '../../core/errors/serving-error.js';
import { callOf, type Wire } from '../../protocol/call/call-context.js';
import { familyOf } from '../operation-family.js';
import { RestrictionConfig } from './restriction.config.js';
import { parseRestrictions, type Restrictions } from './restrictions.js';

/**
 * Keeps families of operations to those who send the family's shared key, as Triton does; the two wires are restricted
 * apart. A family that is restricted is so for everyone, be it public or not.
 */
@Injectable()
export class RestrictionGuard implements CanActivate {
  private readonly restrictions: Readonly<Record<Wire, Restrictions>>;

  constructor(
    private readonly reflector: Reflector,
    { GRPC_RESTRICTED_PROTOCOL, HTTP_RESTRICTED_API }: RestrictionConfig,
  ) {
    this.restrictions = {
      grpc: parseRestrictions('GRPC_RESTRICTED_PROTOCOL', GRPC_RESTRICTED_PROTOCOL, 'triton-grpc-protocol-'),
      rest: parseRestrictions('HTTP_RESTRICTED_API', HTTP_RESTRICTED_API),
    };
  }

  canActivate(context: ExecutionContext): true {
    const family = familyOf(context, this.reflector);
    const wire = context.getType() === 'rpc' ? 'grpc' : 'rest';
    const restriction = family && this.restrictions[wire].get(family);
    if (restriction === undefined || restriction.opensFor(headerOf(context, restriction.header))) return true;
    callOf(context).denied = true;
    const what = wire === 'grpc' ? 'protocol' : 'API';
    throw new ServingError('unavailable', `This ${what} is restricted, expecting header '${restriction.header}'`, {
      reason: 'restricted',
    });
  }
}

interface GrpcMetadata {
  get(key: string): readonly (string | Buffer)[];
}

function headerOf(context: ExecutionContext, name: string): string | undefined {
  if (context.getType() === 'rpc') return context.getArgByIndex<GrpcMetadata>(1).get(name)[0]?.toString();
  const { headers } = context.switchToHttp().getRequest<{ readonly headers: IncomingHttpHeaders }>();
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
  return typeof value === 'string' ? value : value?.[0];
}

import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { callOf } from '../../protocol/call/call-context.js';
import { familyOf, isPublic } from '../operation-family.js';
import { batchOf } from './batch-size.js';
import { RateLimiter } from './rate-limiter.js';

/**
 * Turns away callers who call too often, and inferences of models that are called too often. What is public, the health
 * of the server, is never limited.
 */
@Injectable()
export class RateLimitGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly limiter: RateLimiter,
  ) {}

  canActivate(context: ExecutionContext): true | Promise<true> {
    const family = familyOf(context, this.reflector);
    if (family === undefined || isPublic(context, this.reflector)) return true;
    const call = callOf(context);
    const account = this.limiter.accountOf(call, family);
    const items = account && context.getType() === 'rpc' ? batchOf(context.getArgByIndex(0)) : undefined;
    // Bodies and streams are read behind the guards: they pay for one request now, and the rest when it is known.
    const rest = items === undefined ? account?.prepaid() : undefined;
    if (family === 'inference') call.onInference = this.limiter.behindGuards(rest);
    const pending = account?.charge(items ?? 1);
    return pending === undefined ? true : pending.then(() => true);
  }
}

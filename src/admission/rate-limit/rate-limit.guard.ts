import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { callOf } from '../../protocol/call/call-context.js';
import { familyOf, isPublic } from '../operation-family.js';
import { batchOf } from './batch-size.js';
import { RateLimiter } from './rate-limiter.js';

/** Turns away callers who call too often. What is public, the health of the server, is never limited. */
@Injectable()
export class RateLimitGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly limiter: RateLimiter,
  ) {}

  canActivate(context: ExecutionContext): true | Promise<true> {
    const family = familyOf(context, this.reflector);
    const account = family && !isPublic(context, this.reflector) && this.limiter.accountOf(callOf(context), family);
    if (!account) return true;
    const items = context.getType() === 'rpc' ? batchOf(context.getArgByIndex(0)) : undefined;
    // Bodies and streams are read behind the guards: they pay the price of a request now, and the rest when it is known.
    if (family === 'inference' && items === undefined) callOf(context).onInference = account.prepaid();
    const pending = account.charge(items ?? 1);
    return pending === undefined ? true : pending.then(() => true);
  }
}

import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { missingCredentials } from '../../protocol/call/call-authenticator.js';
import { callOf } from '../../protocol/call/call-context.js';
import { PUBLIC } from '../../protocol/call/operation.decorator.js';
import { AuthenticationPolicy } from './authentication-policy.js';

/** Lets in whom the transport knows, over either wire, and everyone where the operation is public. */
@Injectable()
export class AuthenticationGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly policy: AuthenticationPolicy,
  ) {}

  canActivate(context: ExecutionContext): true {
    if (!this.policy.enabled) return true;
    if (this.reflector.getAllAndOverride<boolean>(PUBLIC, [context.getHandler(), context.getClass()])) return true;
    const { principal, refusal } = callOf(context);
    if (principal !== undefined) return true;
    throw refusal ?? missingCredentials();
  }
}

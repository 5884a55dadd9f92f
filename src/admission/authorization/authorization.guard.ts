import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { callOf } from '../../protocol/call/call-context.js';
import { familyOf, isPublic } from '../operation-family.js';
import { accessRequest, denied, enforce } from './enforce.js';
import { PolicyDecisionPoint } from './policy-decision-point.js';

/** Asks the policy whether a call may enter, about the model that it names. */
@Injectable()
export class AuthorizationGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly policy: PolicyDecisionPoint,
  ) {}

  /** Waits only where the policy does. */
  canActivate(context: ExecutionContext): true | Promise<true> {
    const family = familyOf(context, this.reflector);
    if (isPublic(context, this.reflector)) return true;
    const call = callOf(context);
    if (family === undefined) {
      throw denied(
        `'${call.details.operation}' belongs to no family of operations that could be permitted: give it @Family()`,
      );
    }
    const pending = enforce(this.policy, accessRequest(call, family, call.model, call.version));
    return pending === undefined ? true : pending.then(() => true);
  }
}

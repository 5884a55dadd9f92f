import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ServingError } from '../../core/errors/serving-error.js';
import { callOf } from '../../protocol/call/call-context.js';
import { FAMILY, type OperationFamily, PUBLIC } from '../../protocol/call/operation.decorator.js';
import { type AccessDecision, type AccessRequest, PolicyDecisionPoint } from './policy-decision-point.js';

/** Asks the policy whether a call may enter. Fails closed: only the answer `permit` opens the door. */
@Injectable()
export class AuthorizationGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly policy: PolicyDecisionPoint,
  ) {}

  async canActivate(context: ExecutionContext): Promise<true> {
    const targets = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride<boolean>(PUBLIC, targets)) return true;
    const call = callOf(context);
    const { operation, wire, peer } = call.details;
    const action = this.reflector.getAllAndOverride<OperationFamily | undefined>(FAMILY, targets);
    if (action === undefined) {
      throw denied(`'${operation}' belongs to no family of operations that could be permitted: give it @Family()`);
    }
    const { principal, model, version } = call;
    const request: AccessRequest = {
      principal,
      action,
      operation,
      model,
      version,
      wire,
      peer,
      // Read late: the first to ask settles the id, and an inference request may bring one.
      get requestId() {
        return call.requestId;
      },
    };
    if ((await this.decide(request)) !== 'permit') throw denied(describe(request));
    return true;
  }

  private async decide(request: AccessRequest): Promise<AccessDecision> {
    try {
      return await this.policy.decide(request);
    } catch (cause) {
      throw new ServingError('unavailable', 'The authorization policy gave no decision: try again', { cause });
    }
  }
}

const denied = (detail: string): ServingError => new ServingError('permission-denied', `Permission denied: ${detail}`);

const describe = ({ principal, action, model }: AccessRequest): string =>
  `${principal === undefined ? 'an anonymous caller' : `'${principal.name}'`} has no right to ${action}` +
  (model === '' ? '' : ` on model '${model}'`);

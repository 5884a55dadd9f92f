import type { ExecutionContext } from '@nestjs/common';
import type { Reflector } from '@nestjs/core';
import { callOf } from '../protocol/call/call-context.js';
import { FAMILY, type OperationFamily, PUBLIC } from '../protocol/call/operation.decorator.js';

/** The family of the operation that a guard looks at, if it has one; noted on the call for those who report on it. */
export function familyOf(context: ExecutionContext, reflector: Reflector): OperationFamily | undefined {
  const call = callOf(context);
  call.family ??= reflector.getAllAndOverride<OperationFamily | undefined>(FAMILY, [
    context.getHandler(),
    context.getClass(),
  ]);
  return call.family;
}

/** Whether callers without credentials may enter. */
export const isPublic = (context: ExecutionContext, reflector: Reflector): boolean =>
  reflector.getAllAndOverride<boolean | undefined>(PUBLIC, [context.getHandler(), context.getClass()]) === true;

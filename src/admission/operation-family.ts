import type { ExecutionContext } from '@nestjs/common';
import type { Reflector } from '@nestjs/core';
import { callOf } from '../protocol/call/call-context.js';
import { FAMILY, type OperationFamily, PUBLIC } from '../protocol/call/operation.decorator.js';

/** What the decorators of a handler and its controller say. */
interface Operation {
  readonly family: OperationFamily | undefined;
  readonly isPublic: boolean;
}

/** By controller and handler: looking into metadata costs more than all else that a guard does. */
const operations = new WeakMap<object, WeakMap<object, Operation>>();

/** The family of the operation that a guard looks at, if it has one; noted on the call for those who report on it. */
export function familyOf(context: ExecutionContext, reflector: Reflector): OperationFamily | undefined {
  const { family } = operationOf(context, reflector);
  callOf(context).family = family;
  return family;
}

/** Whether callers without credentials may enter. */
export const isPublic = (context: ExecutionContext, reflector: Reflector): boolean =>
  operationOf(context, reflector).isPublic;

function operationOf(context: ExecutionContext, reflector: Reflector): Operation {
  const controller = context.getClass();
  const handler = context.getHandler();
  const known = operations.get(controller)?.get(handler);
  if (known !== undefined) return known;
  const operation: Operation = {
    family: reflector.getAllAndOverride<OperationFamily | undefined>(FAMILY, [handler, controller]),
    isPublic: reflector.getAllAndOverride<boolean | undefined>(PUBLIC, [handler, controller]) === true,
  };
  const handlers = operations.get(controller) ?? new WeakMap<object, Operation>();
  operations.set(controller, handlers.set(handler, operation));
  return operation;
}

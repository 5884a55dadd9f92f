import { ServingError } from '../../core/errors/serving-error.js';
import type { CallContext } from '../../protocol/call/call-context.js';
import type { OperationFamily } from '../../protocol/call/operation.decorator.js';
import type { AccessDecision, AccessRequest, PolicyDecisionPoint } from './policy-decision-point.js';

/** From a call to a decision. Fails closed: only the answer `permit` opens the door. */

export const accessRequest = (
  call: CallContext,
  action: OperationFamily,
  model: string,
  version: string,
): AccessRequest => new CallAccessRequest(call, action, model, version);

/** A class, since an object with a getter of its own costs a hidden class for each call. */
class CallAccessRequest implements AccessRequest {
  constructor(
    private readonly call: CallContext,
    readonly action: OperationFamily,
    readonly model: string,
    readonly version: string,
  ) {}

  get principal() {
    return this.call.principal;
  }

  get operation() {
    return this.call.details.operation;
  }

  get wire() {
    return this.call.details.wire;
  }

  get peer() {
    return this.call.details.peer;
  }

  /** Read late: the first to ask settles the id, and an inference request may bring one. */
  get requestId() {
    return this.call.requestId;
  }
}

/** Throws where the policy does not permit; returns a promise only where the policy does. */
export function enforce(policy: PolicyDecisionPoint, request: AccessRequest): void | Promise<void> {
  const permitted = permits(policy, request);
  if (permitted === true) return undefined;
  if (permitted === false) throw denied(describe(request));
  return permitted.then((settled) => {
    if (!settled) throw denied(describe(request));
  });
}

/** Throws where the policy gives no decision. */
export function permits(policy: PolicyDecisionPoint, request: AccessRequest): boolean | Promise<boolean> {
  try {
    const decision = policy.decide(request);
    return decision instanceof Promise ? decision.then(isPermit, undecided) : isPermit(decision);
  } catch (thrown) {
    return undecided(thrown);
  }
}

const isPermit = (decision: AccessDecision): boolean => decision === 'permit';

function undecided(cause: unknown): never {
  throw cause instanceof ServingError ? cause : noDecision(cause);
}

export const noDecision = (cause?: unknown): ServingError =>
  new ServingError('unavailable', 'The authorization policy gave no decision: try again', {
    retryAfterMs: 1_000,
    cause,
  });

export const denied = (detail: string): ServingError =>
  new ServingError('permission-denied', `Permission denied: ${detail}`);

const describe = ({ principal, action, model }: AccessRequest): string =>
  `${principal === undefined ? 'an anonymous caller' : `'${principal.name}'`} has no right to ${action}` +
  (model === '' ? '' : ` on model '${model}'`);

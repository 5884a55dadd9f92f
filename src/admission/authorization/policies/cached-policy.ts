import { createHash } from 'node:crypto';
import { type AccessDecision, type AccessRequest, PolicyDecisionPoint } from '../policy-decision-point.js';

/** Beyond this many permits the oldest is forgotten. */
const MAX_PERMITS = 10_000;

/** A longer key is kept as its digest: callers choose the names in it. */
const MAX_KEY_LENGTH = 256;

/**
 * Remembers what another policy permits, for a time that begins when it is asked; what it denies is asked anew each
 * time. A permit that is remembered is answered at once, and identical questions at a time are asked as one. All that a
 * decision may depend on is part of the question but the request's id, which is for the policy's own log.
 */
export class CachedPolicy extends PolicyDecisionPoint {
  /** Until when, by question; in the order in which the permits end. */
  private readonly permits = new Map<string, number>();
  private readonly asking = new Map<string, Promise<AccessDecision>>();

  constructor(
    private readonly policy: PolicyDecisionPoint,
    private readonly ttlMs: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    super();
  }

  decide(request: AccessRequest): AccessDecision | Promise<AccessDecision> {
    const key = keyOf(request);
    const until = this.permits.get(key);
    if (until !== undefined && this.now() < until) return 'permit';
    const asked = this.asking.get(key);
    if (asked !== undefined) return asked;
    const pending = this.ask(key, request).finally(() => this.asking.delete(key));
    this.asking.set(key, pending);
    return pending;
  }

  private async ask(key: string, request: AccessRequest): Promise<AccessDecision> {
    const until = this.now() + this.ttlMs;
    const decision = await this.policy.decide(request);
    if (decision === 'permit') this.remember(key, until);
    return decision;
  }

  private remember(key: string, until: number): void {
    this.permits.delete(key);
    this.permits.set(key, until);
    const [oldest] = this.permits.keys();
    if (this.permits.size > MAX_PERMITS && oldest !== undefined) this.permits.delete(oldest);
  }
}

/** JSON keeps the parts apart, whatever characters they hold, and an anonymous caller from one with an empty name. */
function keyOf({ principal, action, operation, model, version, wire, peer }: AccessRequest): string {
  const key = JSON.stringify([principal?.name, principal?.roles, action, operation, model, version, wire, peer]);
  return key.length <= MAX_KEY_LENGTH ? key : createHash('sha256').update(key).digest('base64');
}

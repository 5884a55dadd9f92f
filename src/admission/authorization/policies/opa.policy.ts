import { type AccessDecision, type AccessRequest, PolicyDecisionPoint } from '../policy-decision-point.js';
import type { PdpHttp } from './pdp-http.js';

/**
 * Asks a rule of Open Policy Agent, by its data API. Permits exactly when the rule is `true`, or an object whose
 * `allow` is `true`; a rule that is undefined denies.
 */
export class OpaPolicy extends PolicyDecisionPoint {
  constructor(private readonly http: PdpHttp) {
    super();
  }

  async decide(request: AccessRequest): Promise<AccessDecision> {
    const { principal, action, operation, model, version, peer, requestId } = request;
    const { result } = await this.http.ask({
      input: {
        user: principal?.name ?? null,
        roles: principal?.roles ?? [],
        action,
        operation,
        model,
        version,
        address: peer,
        request_id: requestId,
      },
    });
    return result === true || allowOf(result) === true ? 'permit' : 'deny';
  }
}

const allowOf = (result: unknown): unknown =>
  typeof result === 'object' && result !== null && Object.hasOwn(result, 'allow')
    ? (result as { readonly allow: unknown }).allow
    : undefined;

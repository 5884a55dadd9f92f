import { type AccessDecision, type AccessRequest, PolicyDecisionPoint } from '../policy-decision-point.js';
import type { PdpHttp } from './pdp-http.js';

/**
 * Asks a decision point in the JSON profile of XACML 3.0, with the words of aiSSEMBLE's adapter for AuthzForce: may
 * this subject, in its first role, `read` the resource `data`? With `details` the resource is the model, and the
 * action the family of the operation. Permits exactly when the first response says `Permit`.
 */
export class XacmlPolicy extends PolicyDecisionPoint {
  constructor(
    private readonly http: PdpHttp,
    private readonly details: boolean,
  ) {
    super();
  }

  async decide({ principal, action, model }: AccessRequest): Promise<AccessDecision> {
    const { Response: responses } = await this.http.ask({
      Request: {
        ReturnPolicyIdList: false,
        CombinedDecision: false,
        Category: [
          category('urn:oasis:names:tc:xacml:1.0:subject-category:access-subject', {
            'urn:oasis:names:tc:xacml:1.0:subject:subject-id': principal?.name ?? 'Anonymous',
            'urn:oasis:names:tc:xacml:2.0:subject:role': principal?.roles[0] ?? 'unknown',
          }),
          category('urn:oasis:names:tc:xacml:3.0:attribute-category:resource', {
            'urn:oasis:names:tc:xacml:1.0:resource:resource-id': this.details ? model : 'data',
          }),
          category('urn:oasis:names:tc:xacml:3.0:attribute-category:action', {
            'urn:oasis:names:tc:xacml:1.0:action:action-id': this.details ? action : 'read',
          }),
        ],
      },
    });
    const [first]: readonly unknown[] = Array.isArray(responses) ? responses : [];
    return (first as { readonly Decision?: unknown } | null | undefined)?.Decision === 'Permit' ? 'permit' : 'deny';
  }
}

const category = (CategoryId: string, attributes: Readonly<Record<string, string>>) => ({
  CategoryId,
  Attribute: Object.entries(attributes).map(([AttributeId, Value]) => ({
    AttributeId,
    IncludeInResult: false,
    DataType: 'http://www.w3.org/2001/XMLSchema#string',
    Value,
  })),
});

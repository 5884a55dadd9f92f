import {
  type AccessDecision,
  type AccessRequest,
  PolicyDecisionPoint,
} from '../admission/authorization/policy-decision-point.js';

/** Keeps what it is asked, and gives the answer that a test sets; an error is thrown. */
export class FakePolicyDecisionPoint extends PolicyDecisionPoint {
  readonly requests: AccessRequest[] = [];
  answer: AccessDecision | Error = 'permit';

  async decide(request: AccessRequest): Promise<AccessDecision> {
    this.requests.push(request);
    if (this.answer instanceof Error) throw this.answer;
    return this.answer;
  }
}

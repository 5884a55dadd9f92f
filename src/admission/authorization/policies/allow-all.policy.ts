import { Injectable } from '@nestjs/common';
import { type AccessDecision, PolicyDecisionPoint } from '../policy-decision-point.js';

/** Permits every call that authentication let in. */
@Injectable()
export class AllowAllPolicy extends PolicyDecisionPoint {
  decide(): AccessDecision {
    return 'permit';
  }
}

import { Injectable } from '@nestjs/common';
import type { InferenceCall } from '../../core/inference/call.js';
import { type ModelAction, ModelAccess } from '../../core/inference/model-access.js';
import { CallContext } from '../../protocol/call/call-context.js';
import { accessRequest, enforce, permits } from './enforce.js';
import { PolicyDecisionPoint } from './policy-decision-point.js';

/** How many models of a listing are asked about at a time. */
const AT_A_TIME = 8;

/** Asks the same policy, by the same cache, that decides at the door. */
@Injectable()
export class PolicyModelAccess extends ModelAccess {
  constructor(private readonly policy: PolicyDecisionPoint) {
    super();
  }

  check(call: InferenceCall, action: ModelAction, model: string, version = ''): void | Promise<void> {
    return enforce(this.policy, accessRequest(overAWire(call), action, model, version));
  }

  async visible(call: InferenceCall, action: ModelAction, models: readonly string[]): Promise<readonly string[]> {
    const context = overAWire(call);
    const permitted = new Set<string>();
    // Shared: each worker takes the next model that none has taken yet.
    const left = models.values();
    const work = async (): Promise<void> => {
      for (const model of left) {
        if (await permits(this.policy, accessRequest(context, action, model, ''))) permitted.add(model);
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_A_TIME, models.length) }, work));
    return models.filter((model) => permitted.has(model));
  }
}

/** What runs on the server's own account has no caller whose rights could be asked about. */
function overAWire(call: InferenceCall): CallContext {
  if (call instanceof CallContext) return call;
  throw new TypeError('only a call that came over a wire can be authorized');
}

import { ServingError } from '../core/errors/serving-error.js';
import type { InferenceCall } from '../core/inference/call.js';
import { type ModelAction, ModelAccess } from '../core/inference/model-access.js';

/** Permits everything but the models that a test forbids, and keeps what it is asked. */
export class FakeModelAccess extends ModelAccess {
  readonly forbidden = new Set<string>();
  readonly checks: { readonly action: ModelAction; readonly model: string; readonly version: string }[] = [];

  check(_: InferenceCall, action: ModelAction, model: string, version = ''): void {
    this.checks.push({ action, model, version });
    if (this.forbidden.has(model)) throw new ServingError('permission-denied', `'${model}' is forbidden`);
  }

  visible(_: InferenceCall, _action: ModelAction, models: readonly string[]): readonly string[] {
    return models.filter((model) => !this.forbidden.has(model));
  }
}

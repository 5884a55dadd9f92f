import { cancelled } from '../core/errors/catalogue.js';
import type { CallTimings, InferenceCall } from '../core/inference/call.js';
import type { Principal } from '../core/inference/principal.js';

/** A call that came over no wire, and ends when a test says so. */
export class FakeInferenceCall implements InferenceCall {
  readonly requestId = 'r-1';
  readonly deadline = 1_900_000_000_000;
  readonly principal: Principal = { name: 'ci', roles: ['tester'] };
  readonly timings: CallTimings = { queueNs: 0, computeNs: 0 };
  private controller: AbortController | undefined;

  get signal(): AbortSignal {
    this.controller ??= new AbortController();
    return this.controller.signal;
  }

  /** Whether anyone has asked for the signal. */
  get hasSignal(): boolean {
    return this.controller !== undefined;
  }

  abort(reason: Error = cancelled()): void {
    this.controller ??= new AbortController();
    this.controller.abort(reason);
  }
}

import type { ServingError } from '../core/errors/serving-error.js';
import { Overload } from '../protocol/call/overload.js';

/** Refuses as a test says, and counts who is in. */
export class FakeOverload extends Overload {
  reason: ServingError | undefined;
  inside = 0;

  refusal(): ServingError | undefined {
    return this.reason;
  }

  enter(): void {
    this.inside++;
  }

  leave(): void {
    this.inside--;
  }
}

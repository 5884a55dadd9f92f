import type { CallContext } from '../protocol/call/call-context.js';
import { CallObserver, type CallOutcome } from '../protocol/call/call-observer.js';

/** Keeps what it is told. */
export class FakeCallObserver extends CallObserver {
  readonly calls: { readonly call: CallContext; readonly outcome: CallOutcome }[] = [];

  finished(call: CallContext, outcome: CallOutcome): void {
    this.calls.push({ call, outcome });
  }
}

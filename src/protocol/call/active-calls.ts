import { Injectable } from '@nestjs/common';
import { unavailable } from '../../core/errors/catalogue.js';
import type { ServingError } from '../../core/errors/serving-error.js';
import type { CallContext } from './call-context.js';

/** Clients of Triton know a server that goes down by this text. */
const SHUTTING_DOWN = 'The server is shutting down and has stopped accepting new requests.';

/** The calls that are being answered: what a server waits for, and at last aborts, before it ends. */
@Injectable()
export class ActiveCalls {
  private readonly calls = new Set<CallContext>();
  private readonly listeners = new Set<() => void>();
  private closing = false;
  private idle: (() => void) | undefined;

  get size(): number {
    return this.calls.size;
  }

  /** Why a new call is refused; `undefined` while the server takes work. */
  get refusal(): ServingError | undefined {
    return this.closing ? unavailable(SHUTTING_DOWN) : undefined;
  }

  opened(call: CallContext): void {
    this.calls.add(call);
  }

  closed(call: CallContext): void {
    this.calls.delete(call);
    if (this.calls.size === 0) this.idle?.();
  }

  /** Calls the listener when the server begins to close; returns the way to stop that. */
  onClosing(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Refuses new calls, waits for the active ones so many milliseconds, then aborts the rest as unavailable. */
  async drain(milliseconds: number): Promise<void> {
    this.closing = true;
    for (const listener of this.listeners) listener();
    if (await this.isIdleWithin(milliseconds)) return;
    for (const call of this.calls) call.abort(unavailable(SHUTTING_DOWN));
    // An aborted call is answered at once; its status still has to be written.
    await this.isIdleWithin(MAX_ABORT_MS);
  }

  private async isIdleWithin(milliseconds: number): Promise<boolean> {
    if (this.calls.size === 0) return true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), milliseconds);
      this.idle = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}

const MAX_ABORT_MS = 500;

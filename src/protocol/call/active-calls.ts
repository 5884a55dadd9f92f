import { Injectable } from '@nestjs/common';
import { unavailable } from '../../core/errors/catalogue.js';
import type { ServingError } from '../../core/errors/serving-error.js';
import type { CallContext } from './call-context.js';
import { LiveSet } from './live-set.js';

/** Clients of Triton know a server that goes down by this text. */
const SHUTTING_DOWN = 'The server is shutting down and has stopped accepting new requests.';

/** The calls that are being answered: what a server waits for, and at last aborts, before it ends. */
@Injectable()
export class ActiveCalls {
  private count = 0;
  /** Only the calls whose end somebody listens to: a table of all would make each of them outlive its time in memory. */
  private readonly abortable = new LiveSet<CallContext>();
  private abortion: ServingError | undefined;
  private readonly listeners = new Set<() => void>();
  private closing = false;
  private idle: (() => void) | undefined;

  get size(): number {
    return this.count;
  }

  /** Why a new call is refused; `undefined` while the server takes work. */
  get refusal(): ServingError | undefined {
    return this.closing ? unavailable(SHUTTING_DOWN) : undefined;
  }

  opened(call: CallContext): void {
    this.count++;
    call.tracker = this;
  }

  /** The call is listened to from now on; tells why it is over already, if it is. */
  watched(call: CallContext): ServingError | undefined {
    this.abortable.add(call);
    return this.abortion;
  }

  closed(call: CallContext): void {
    if (call.tracker !== this) return;
    call.tracker = undefined;
    this.count--;
    this.abortable.delete(call);
    if (this.count === 0) this.idle?.();
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
    this.abortion = unavailable(SHUTTING_DOWN);
    for (const call of this.abortable.snapshot()) call.abort(this.abortion);
    // An aborted call is answered at once; its status still has to be written.
    await this.isIdleWithin(MAX_ABORT_MS);
  }

  private async isIdleWithin(milliseconds: number): Promise<boolean> {
    if (this.count === 0) return true;
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

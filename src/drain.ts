import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { Readiness } from './engine/lifecycle/readiness.js';
import { ActiveCalls } from './protocol/call/active-calls.js';
import { CallConfig } from './protocol/call/call.config.js';

/**
 * Lets the server end without cutting anyone off: it is no longer ready, refuses new work, and lets what runs finish,
 * up to a limit. Only then do the servers close, and after them the models unload.
 */
@Injectable()
export class Drain implements BeforeApplicationShutdown {
  constructor(
    private readonly readiness: Readiness,
    private readonly calls: ActiveCalls,
    private readonly config: CallConfig,
  ) {}

  async beforeApplicationShutdown(): Promise<void> {
    this.readiness.drain();
    await this.calls.drain(this.config.SHUTDOWN_DRAIN_MS);
  }
}

import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ServingError } from '../core/errors/serving-error.js';
import { LoopDelay } from '../engine/lifecycle/loop-delay.js';
import { Overload } from '../protocol/call/overload.js';
import { InferenceConfig } from './inference.config.js';

/** As long as the delay is measured anew. */
const RETRY_AFTER_MS = 1_000;

/** Refuses inferences while too many run, or while the event loop is too late to serve them. */
@Injectable()
export class InferenceLimits extends Overload implements OnModuleInit {
  private running = 0;

  constructor(
    private readonly config: InferenceConfig,
    private readonly loop: LoopDelay,
  ) {
    super();
  }

  onModuleInit(): void {
    if (this.config.EVENT_LOOP_DELAY_LIMIT_MS > 0) this.loop.watch();
  }

  /** The inference calls that run. */
  get inFlight(): number {
    return this.running;
  }

  refusal(): ServingError | undefined {
    const { MAX_IN_FLIGHT, EVENT_LOOP_DELAY_LIMIT_MS } = this.config;
    if (MAX_IN_FLIGHT > 0 && this.running >= MAX_IN_FLIGHT) {
      const message = `the server runs ${this.running} inferences, as many as it may: try again later`;
      return new ServingError('resource-exhausted', message, { retryAfterMs: RETRY_AFTER_MS });
    }
    if (EVENT_LOOP_DELAY_LIMIT_MS > 0 && this.loop.p99Ms > EVENT_LOOP_DELAY_LIMIT_MS) {
      const message = `the server is ${Math.round(this.loop.p99Ms)} ms late with its work: try again later`;
      return new ServingError('unavailable', message, { retryAfterMs: RETRY_AFTER_MS });
    }
    return undefined;
  }

  enter(): void {
    this.running++;
  }

  leave(): void {
    this.running--;
  }
}

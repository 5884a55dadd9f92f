import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { ServingError } from '../core/errors/serving-error.js';
import { LoopDelay } from '../engine/lifecycle/loop-delay.js';
import { Overload } from '../protocol/call/overload.js';
import { InferenceConfig } from './inference.config.js';

/** As long as the delay is measured anew. */
const RETRY_AFTER_MS = 1_000;

/** Refuses inferences while too many run, or while the event loop is too late to serve them. */
@Injectable()
export class InferenceLimits extends Overload implements OnModuleInit {
  private readonly logger = new Logger('Server');
  private running = 0;
  private late = false;

  constructor(
    private readonly config: InferenceConfig,
    private readonly loop: LoopDelay,
  ) {
    super();
  }

  onModuleInit(): void {
    if (this.config.EVENT_LOOP_DELAY_LIMIT_MS > 0) this.loop.watch((p99Ms) => this.report(p99Ms));
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

  /** Says when the lateness begins, and when it is over. */
  private report(p99Ms: number): void {
    const { EVENT_LOOP_DELAY_LIMIT_MS } = this.config;
    if (this.late === p99Ms > EVENT_LOOP_DELAY_LIMIT_MS) return;
    this.late = !this.late;
    const delay = `the event loop is ${Math.round(p99Ms)} ms late`;
    const limit = `${EVENT_LOOP_DELAY_LIMIT_MS} ms (EVENT_LOOP_DELAY_LIMIT_MS)`;
    if (this.late) this.logger.warn(`${delay}, more than ${limit}: inferences are refused until that is over`);
    else this.logger.log(`${delay}, no more than ${limit}: inferences are served again`);
  }

  enter(): void {
    this.running++;
  }

  leave(): void {
    this.running--;
  }
}

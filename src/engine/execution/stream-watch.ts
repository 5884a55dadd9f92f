import { cancelled } from '../../core/errors/catalogue.js';
import type { CallTimings } from '../../core/inference/call.js';
import type { ObservedInference, ObservedResponse } from '../../core/inference/inference-observer.js';
import type { InferenceResponse } from '../../core/inference/response.js';
import { beginExecution, endExecution } from './observed-execution.js';

/** Follows one request through a decoupled model, for the observers. */
export class StreamWatch {
  private index = 0;
  /** When the model was last asked for a response, and when it last gave one. */
  private start: number;
  private outputStart: number;
  private failure: Error | undefined;

  constructor(
    private readonly timings: CallTimings,
    private readonly inference: ObservedInference,
    now: number,
  ) {
    this.start = this.outputStart = now;
    beginExecution(timings, inference, now);
  }

  asked(): void {
    this.start = this.outputStart = performance.now();
  }

  answered(): void {
    this.outputStart = performance.now();
  }

  made(response: InferenceResponse): void {
    this.tell('made', performance.now(), response);
    this.index++;
  }

  failed(failure: Error, isCancelled: boolean): void {
    this.failure = failure;
    this.tell(isCancelled ? 'cancelled' : 'failed', performance.now());
  }

  /** The end of the stream: `isComplete` where the model had no more to say. */
  finish(now: number, isComplete: boolean): void {
    const { timings, inference } = this;
    if (isComplete) this.tell('end', now);
    else if (this.failure === undefined) {
      // Whoever took the responses has stopped.
      this.asked();
      this.failed(cancelled(), true);
    }
    if (timings.execution !== undefined) timings.execution.outputStart = this.outputStart;
    endExecution(timings, inference, now, this.failure);
  }

  private tell(outcome: ObservedResponse['outcome'], end: number, response?: InferenceResponse): void {
    const { inference, index, start } = this;
    // Without an answer, all of the time was the model's.
    const outputStart = this.outputStart > start ? this.outputStart : end;
    inference.observer.responded({ inference, index, outcome, start, outputStart, end, response });
  }
}

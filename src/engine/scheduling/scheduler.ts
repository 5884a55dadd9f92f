import type { InferenceCall } from '../../core/inference/call.js';
import type { InferenceRequest } from '../../core/inference/request.js';
import type { InferenceResponse } from '../../core/inference/response.js';

/** Decides when, and with which others, a request runs; each way of scheduling is one class. */
export interface Scheduler {
  /**
   * Answers a request when its turn has come. Rejects with `unavailable` when the queue is full, when the model cannot
   * run for now, and when the scheduler has stopped; with the call's own reason when its caller is gone.
   */
  enqueue(request: InferenceRequest, call: InferenceCall): Promise<InferenceResponse>;
  /** The same for a decoupled model: it keeps its place until its last response was taken. */
  stream(request: InferenceRequest, call: InferenceCall): AsyncIterable<InferenceResponse>;
  /** How many requests run or wait. */
  readonly inFlight: number;
  /** Takes nothing more; resolves when what runs is done. What waits is served before, or refused as `unavailable`. */
  stop(waiting: WhatWaits): Promise<void>;
}

export type WhatWaits = 'is served' | 'is refused';

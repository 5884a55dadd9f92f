import { Inject, Injectable } from '@nestjs/common';
import type { InferenceCall } from '../../core/inference/call.js';
import type { InferenceRequest } from '../../core/inference/request.js';
import type { InferenceResponse } from '../../core/inference/response.js';
import type { Exchange, InferenceStage } from '../../core/inference/stage.js';
import { execute } from '../execution/executor.js';
import type { ModelHandle } from '../registry/model-handle.js';
import { ModelRegistry } from '../registry/model-registry.js';

/** The order of the stages between a decoded request and the scheduler; `app.module.ts` lists them. */
export const PIPELINE_STAGES = Symbol('pipeline stages');

type Step = (exchange: Exchange) => Promise<InferenceResponse>;

/** What every inference goes through, whoever asked: the stages in order, then the model's scheduler. */
@Injectable()
export class InferencePipeline {
  private readonly enter: Step;

  constructor(
    private readonly registry: ModelRegistry,
    @Inject(PIPELINE_STAGES) stages: readonly InferenceStage[],
  ) {
    this.enter = stages.reduceRight<Step>((next, stage) => async (exchange) => stage.run(exchange, next), schedule);
  }

  /** Answers a request for a model that gives one response. Throws a `ServingError`, or what a stage threw. */
  async run(request: InferenceRequest, call: InferenceCall): Promise<InferenceResponse> {
    return this.enter({ model: this.registry.resolve(request.model, request.version), request, call });
  }
}

/** Hands the request to the model's scheduler, and notes how long it waited and ran. */
async function schedule({ model, request, call }: Exchange): Promise<InferenceResponse> {
  const handle = model as ModelHandle;
  const queued = performance.now();
  return handle.scheduler.enqueue(async () => {
    const started = performance.now();
    call.timings.queueNs += (started - queued) * 1e6;
    try {
      return await execute(handle, request, call);
    } finally {
      call.timings.computeNs += (performance.now() - started) * 1e6;
    }
  });
}

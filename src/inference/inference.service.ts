import { Injectable } from '@nestjs/common';
import type { InferenceRequest } from '../core/inference/request.js';
import type { InferenceResponse } from '../core/inference/response.js';
import { InferencePipeline } from '../engine/pipeline/inference-pipeline.js';
import type { CallContext } from '../protocol/call/call-context.js';

/** Runs inferences that came over a wire. */
@Injectable()
export class InferenceService {
  constructor(private readonly pipeline: InferencePipeline) {}

  /** Answers a request for a model that gives one response. */
  async infer(request: InferenceRequest, call: CallContext): Promise<InferenceResponse> {
    const response = await this.pipeline.run(request, call);
    call.version = response.version;
    return response;
  }

  /** Answers a request for a model of either kind, response by response. */
  async *stream(request: InferenceRequest, call: CallContext): AsyncGenerator<InferenceResponse, void> {
    for await (const response of this.pipeline.responses(request, call)) {
      call.version = response.version;
      yield response;
    }
  }
}

import type { InferenceCall } from '../../core/inference/call.js';
import type { InferenceRequest } from '../../core/inference/request.js';
import type { InferenceResponse } from '../../core/inference/response.js';
import type { Exchange } from '../../core/inference/stage.js';
import type { ModelHandle } from '../registry/model-handle.js';

/** The end of the pipeline: hands the request to the model's scheduler. */
export function schedule({ model, request, call }: Exchange): Promise<InferenceResponse> {
  noteArrival(call, request);
  return (model as ModelHandle).scheduler.enqueue(request, call);
}

/** The same for a decoupled model. */
export function scheduleStream({ model, request, call }: Exchange): AsyncIterable<InferenceResponse> {
  noteArrival(call, request);
  return (model as ModelHandle).scheduler.stream(request, call);
}

function noteArrival({ timings: { observed } }: InferenceCall, request: InferenceRequest): void {
  if (observed === undefined) return;
  observed.queueStart = performance.now();
  observed.request = request;
}

import type { InferenceResponse } from '../../core/inference/response.js';
import type { Exchange } from '../../core/inference/stage.js';
import type { ModelHandle } from '../registry/model-handle.js';

/** The end of the pipeline: hands the request to the model's scheduler. */
export const schedule = ({ model, request, call }: Exchange): Promise<InferenceResponse> =>
  (model as ModelHandle).scheduler.enqueue(request, call);

/** The same for a decoupled model. */
export const scheduleStream = ({ model, request, call }: Exchange): AsyncIterable<InferenceResponse> =>
  (model as ModelHandle).scheduler.stream(request, call);

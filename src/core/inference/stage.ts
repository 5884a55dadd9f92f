import type { InferenceCall } from './call.js';
import type { InferenceRequest } from './request.js';
import type { InferenceResponse } from './response.js';
import type { ServedModel } from './served-model.js';

/** One inference on its way through the pipeline. */
export interface Exchange {
  readonly model: ServedModel;
  readonly request: InferenceRequest;
  readonly call: InferenceCall;
}

/** One ring of the inference onion: it may refuse, answer itself, or hand on a changed exchange. */
export interface InferenceStage {
  run(exchange: Exchange, next: (exchange: Exchange) => Promise<InferenceResponse>): Promise<InferenceResponse>;
  /** The same for a decoupled model, which gives any number of responses. Default: they pass. */
  stream?(
    exchange: Exchange,
    next: (exchange: Exchange) => AsyncIterable<InferenceResponse>,
  ): AsyncIterable<InferenceResponse>;
}

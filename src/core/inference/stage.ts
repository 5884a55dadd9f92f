import type { NamedSpec } from '../model/signature.js';
import type { InferenceCall } from './call.js';
import type { InferenceRequest } from './request.js';
import type { InferenceResponse } from './response.js';

/** What the pipeline knows of the model that it runs. */
export interface ServedModel {
  readonly name: string;
  readonly version: string;
  readonly inputs: readonly NamedSpec[];
  readonly outputs: readonly NamedSpec[];
  /** How many rows a request has at most along the first dimension; 0 for a model without a batch dimension. */
  readonly maxBatchSize: number;
  /** Whether its responses are kept and given again to the same request. */
  readonly isCached: boolean;
}

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

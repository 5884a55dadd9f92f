import type { ContentType } from '../model/content-types.js';
import type { NamedSpec } from '../model/signature.js';

/** What the pipeline knows of the model that it runs. */
export interface ServedModel {
  readonly name: string;
  readonly version: string;
  readonly inputs: readonly NamedSpec[];
  readonly outputs: readonly NamedSpec[];
  /** How many rows a request has at most along the first dimension; 0 for a model without a batch dimension. */
  readonly maxBatchSize: number;
  /** The content type of inputs that have none of their own. */
  readonly contentType?: ContentType | undefined;
  /** Whether any of its tensors has a content type. */
  readonly hasContentTypes?: boolean;
  /** Whether its responses are kept and given again to the same request. */
  readonly isCached: boolean;
}

import type { InferenceResponse } from '../../../core/inference/response.js';
import type { NonFinite } from '../../../core/tensor/json-data.js';

/** A module that writes replies of a form of its own. */
export interface WriterModule {
  /** Writes a response as JSON. Throws `invalid-argument` for what JSON cannot carry. */
  readonly writeReply: (response: InferenceResponse, nonFinite: NonFinite) => string;
}

/** Such a module, by which a thread finds it as well: it must import nothing of the framework. */
export interface ReplyWriter extends WriterModule {
  /** Its `import.meta.url`. */
  readonly module: string;
}

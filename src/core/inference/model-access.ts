import type { InferenceCall } from './call.js';

/** What can be done to a model; policies speak of these families of operations. */
export type ModelAction =
  'health' | 'metadata' | 'inference' | 'model-config' | 'model-repository' | 'statistics' | 'trace' | 'logging';

/** Stands for all models at once, in a question about the whole server: a pattern for some does not fit. */
export const EVERY_MODEL = '*';

/**
 * Decides which models a call may touch, where that is not known before its handler runs: for listings, for each
 * message of a stream, and for changes of settings, which over gRPC are the rpc that reads them. Whether a model exists
 * is looked at afterwards.
 */
export abstract class ModelAccess {
  /**
   * Throws `permission-denied` where the caller may not do this, and `unavailable` where nobody can tell. Returns a
   * promise only where the decision takes a while. An empty version is the model's default one.
   */
  abstract check(call: InferenceCall, action: ModelAction, model: string, version?: string): void | Promise<void>;

  /** The models that the caller may do this to, in the order in which they were given. */
  abstract visible(
    call: InferenceCall,
    action: ModelAction,
    models: readonly string[],
  ): readonly string[] | Promise<readonly string[]>;
}

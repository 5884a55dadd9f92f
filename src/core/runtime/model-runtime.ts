import type { LoadContext } from '../inference/context.js';
import type { ServableModel } from '../model/provider.js';
import type { NamedSpec } from '../model/signature.js';

/** One version of a model in the repository, as a runtime finds it on disk. */
export interface ModelArtifact {
  readonly name: string;
  readonly version: string;
  /** The absolute path of the file that the runtime claims, `model.onnx` for one. */
  readonly path: string;
}

/** What a runtime made of an artifact. */
export interface LoadedModel {
  readonly inputs: readonly NamedSpec[];
  readonly outputs: readonly NamedSpec[];
  readonly model: ServableModel;
}

/** Turns a folder of the model repository into a model; put `@Runtime` on the class and add it to the providers. */
export interface ModelRuntime {
  /** Opens the artifact. What this throws is the reason why the model is unavailable. */
  load(artifact: ModelArtifact, context: LoadContext): Promise<LoadedModel>;
}

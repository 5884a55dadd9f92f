import type { LoadContext } from '../inference/context.js';
import type { ModelConfig } from '../model/model-config.js';
import type { ServableModel } from '../model/provider.js';
import type { NamedSpec } from '../model/signature.js';

/** One version of a model in the repository, as a runtime finds it on disk. */
export interface ModelArtifact {
  readonly name: string;
  readonly version: string;
  /** The absolute path of the file that the runtime claims, `model.onnx` for one. */
  readonly path: string;
  /** What the folder's configuration says; absent where there is none. */
  readonly config?: ModelConfig;
  /** How many instances the configuration asks for. Default: the runtime's own choice. */
  readonly instances?: number;
}

/** Whether a model that depends on something else can run at all. */
export interface Availability {
  /** Why the model cannot run requests for now; `undefined` while it can. */
  readonly outage: string | undefined;
  /** Calls the listener when {@link Availability.outage} has begun or ended. */
  onChange(listener: () => void): void;
}

/** What a runtime made of an artifact. */
export interface LoadedModel {
  readonly inputs: readonly NamedSpec[];
  readonly outputs: readonly NamedSpec[];
  readonly model: ServableModel;
  /** The models of this server that it calls; it is ready while all of them are. Default: none. */
  readonly dependsOn?: readonly string[];
  /** For a model that runs elsewhere. Default: it can always run. */
  readonly availability?: Availability;
}

/**
 * A model that its runtime wants to be opened in worker threads: then neither its loading nor its runs hold up the
 * event loop. Each thread opens it anew.
 */
export interface ThreadedModel {
  /** The URL of a module that exports {@link ThreadedModel.open} by that name, with `options` before the context. */
  readonly module: string;
  /** What tells the module what to open; it is cloned into each thread. */
  readonly options: unknown;
  /** The number of threads. */
  readonly size: number;
  /**
   * Under how many nanoseconds a run on zeros is too short for a hop between threads; the model is then opened in the
   * thread that serves. Default: it always has threads.
   */
  readonly inlineUnderNs?: number;
  /** Opens the model in the thread that serves, where it is to run there. */
  readonly open: (context: LoadContext) => Promise<LoadedModel>;
}

/** What the module of a {@link ThreadedModel} exports as `open`. */
export type OpenInThread<Options = unknown> = (options: Options, context: LoadContext) => Promise<LoadedModel>;

/** Turns a folder of the model repository into a model; put `@Runtime` on the class and add it to the providers. */
export interface ModelRuntime {
  /** Opens the artifact, or says how threads open it. What this throws is the reason why the model is unavailable. */
  load(artifact: ModelArtifact, context: LoadContext): Promise<LoadedModel | ThreadedModel>;
}

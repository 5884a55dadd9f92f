import type { ModelConfig } from '../../core/model/model-config.js';
import type { ModelFolder } from './model-folder.js';

/** One version of a model as it lies in a repository, whatever the layout. */
export interface FoundVersion {
  readonly name: string;
  readonly version: string;
  /** Where the model's own files lie: labels, samples, states. */
  readonly folder: ModelFolder;
  /** Where the artifact lies, relative to the model's folder. */
  readonly place: string;
  /** The files and folders in that place. */
  readonly files: readonly string[];
  /** The artifact's file, where the model names it itself; `undefined` leaves that to the runtime. */
  readonly file?: string | undefined;
  /** What the model's folder says; absent where it says nothing. */
  readonly config?: ModelConfig | undefined;
  /** Where it says that, relative to the repository. */
  readonly configPath: string;
}

import type { LoadContext } from '../../core/inference/context.js';
import type { OpenedModel } from '../execution/model-opener.js';

/** A version that could be loaded. */
export interface VersionCandidate {
  readonly version: string;
  readonly platform: string;
  /** Changes when the version's files do; a ready version of the same fingerprint is left as it is. */
  readonly fingerprint: string;
  /** The models that have to be loaded before. Default: none. */
  readonly dependsOn?: readonly string[];
  open(context: LoadContext): Promise<OpenedModel>;
}

/** A place that models come from: the classes behind `@Model`, or a folder. */
export interface ModelSource {
  /** The names of the models that are there now. */
  names(): Promise<readonly string[]>;
  /** The versions of a model that are there now; `undefined` where this source has no such model. */
  versions(name: string): Promise<readonly VersionCandidate[] | undefined>;
  /** Says in an error where the model comes from: a class, or a folder. */
  describe(name: string): string | Promise<string>;
}

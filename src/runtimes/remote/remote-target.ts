import type { ModelArtifact } from '../../core/runtime/model-runtime.js';

/** Where a remote model runs. */
export interface RemoteTarget {
  /** The name of a configured upstream. */
  readonly upstream: string;
  readonly model: string;
  /** Empty for the one that the upstream chooses. */
  readonly version: string;
}

/** Reads the parameters of a model's configuration. Throws when they name no upstream. */
export function remoteTarget({ name, config }: ModelArtifact): RemoteTarget {
  const text = (key: string): string | undefined => {
    const { parameters = {} } = config ?? {};
    return Object.hasOwn(parameters, key) ? parameters[key]?.string_value : undefined;
  };
  const upstream = text('upstream');
  if (upstream === undefined || upstream === '') {
    throw new Error(
      `the configuration of model '${name}' names no upstream: set its parameter 'upstream' to one of REMOTE_UPSTREAMS`,
    );
  }
  return { upstream, model: text('model') || name, version: text('version') ?? '' };
}

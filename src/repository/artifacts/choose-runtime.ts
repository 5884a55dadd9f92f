import type { RegisteredRuntime, RuntimeExplorer } from '../../engine/registry/runtime-explorer.js';
import { staysInFolder } from '../layouts/containment.js';
import type { FoundVersion } from './found-version.js';

/** What opens a version, and the file that it opens. */
export interface ChosenRuntime extends RegisteredRuntime {
  /** In the version's folder; need not be there for a runtime that can do without. */
  readonly file: string;
}

type Runtimes = Pick<RuntimeExplorer, 'artifacts' | 'backends' | 'claiming' | 'named'>;

/**
 * The runtime that the configuration names, else the one that claims a file of the version. Names are only looked up
 * among what is registered. Throws where there is none.
 */
export function chooseRuntime(found: FoundVersion, runtimes: Runtimes): ChosenRuntime {
  const { version, config, configPath, files } = found;
  const chosen = config === undefined ? undefined : byConfig(config, configPath, runtimes);
  const artifact = runtimes.artifacts.find((file) => files.includes(file));
  const registered = chosen ?? (artifact === undefined ? undefined : runtimes.claiming(artifact));
  const file = found.file ?? (config?.default_model_filename || registered?.claim.artifact || '');
  if (registered === undefined) {
    const known = runtimes.artifacts.join(', ') || 'nothing, for no runtime is registered';
    throw new Error(`the folder of version ${version} holds no file that a runtime claims (${known})`);
  }
  if (config !== undefined && config.default_model_filename !== '') checkFilename(config.default_model_filename, found);
  return { ...registered, file };
}

function byConfig(
  config: NonNullable<FoundVersion['config']>,
  path: string,
  runtimes: Runtimes,
): RegisteredRuntime | undefined {
  const { backend, platform } = config;
  if (backend === '' && platform === '') return undefined;
  const named = runtimes.named(config);
  if (named !== undefined) return named;
  const [field, value] = backend === '' ? ['platform', platform] : ['backend', backend];
  const known = runtimes.backends.join(', ') || 'none, for no runtime is registered';
  throw new Error(`${path}: ${field}: '${value}' is no runtime of this server: use one of ${known}`);
}

function checkFilename(filename: string, { version, files, configPath }: FoundVersion): void {
  if (staysInFolder(filename) && files.includes(filename)) return;
  throw new Error(
    `${configPath}: default_model_filename: '${filename}' is not in the folder of version ${version}: put the file there`,
  );
}

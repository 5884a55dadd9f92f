import type { ModelConfig } from '../../../core/model/model-config.js';
import { ensembleProblems } from './checks/ensemble.js';
import { instanceProblems } from './checks/instances.js';
import { raggedProblems } from './checks/ragged.js';
import { schedulingProblems } from './checks/scheduling.js';
import { tensorProblems } from './checks/tensors.js';
import { warmupProblems } from './checks/warmup.js';

/**
 * The parts of a configuration that are accepted, kept and answered, and change nothing here: they are hints for
 * other hardware, for native code, or for what the environment decides.
 */
export const IGNORED_FIELDS = [
  'optimization',
  'runtime',
  'cc_model_filenames',
  'metric_tags',
  'model_operations',
  'model_metrics',
  'input.format',
  'input.is_shape_tensor',
  'input.is_non_linear_format_io',
  'output.is_shape_tensor',
  'output.is_non_linear_format_io',
  'instance_group.kind',
  'instance_group.gpus',
  'instance_group.profile',
  'instance_group.secondary_devices',
  'instance_group.host_policy',
] as const;

export interface ConfigFile {
  /** As errors show it: relative to the repository. */
  readonly path: string;
  /** The model's folder, whose name is the model's. */
  readonly folder: string;
}

/**
 * Refuses what cannot be served, all of it at once: each problem names the file, the field, the value and the fix. What
 * is left open is no problem: check again what was completed.
 */
export function checkModelConfig(config: ModelConfig, { path, folder }: ConfigFile): void {
  const problems = [
    ...identityProblems(config, folder),
    ...versionProblems(config),
    ...tensorProblems(config),
    ...raggedProblems(config),
    ...schedulingProblems(config),
    ...ensembleProblems(config),
    ...cacheProblems(config),
    ...instanceProblems(config),
    ...warmupProblems(config),
  ];
  if (problems.length === 0) return;
  const shown = problems.slice(0, MAX_SHOWN).map((problem) => `${path}: ${problem}`);
  const rest = problems.length - shown.length;
  throw new Error([...shown, ...(rest > 0 ? [`and ${rest} more`] : [])].join('; '));
}

/** Errors travel in headers, which are small. */
const MAX_SHOWN = 10;

/** The backend behind each platform that has one of another name. */
const BACKENDS: Readonly<Record<string, string>> = {
  onnxruntime_onnx: 'onnxruntime',
  pytorch_libtorch: 'pytorch',
  tensorflow_graphdef: 'tensorflow',
  tensorflow_savedmodel: 'tensorflow',
  tensorrt_plan: 'tensorrt',
};

function* identityProblems({ name, max_batch_size, platform, backend }: ModelConfig, folder: string) {
  if (name !== '' && name !== folder) {
    yield (
      `name: unexpected directory name '${folder}' for model '${name}', directory name must equal model name: ` +
      `write '${folder}', or leave it out`
    );
  }
  if (max_batch_size < 0) {
    yield `max_batch_size: ${max_batch_size} is no size: use 0 for a model that does not batch`;
  }
  const expected = Object.hasOwn(BACKENDS, platform) ? BACKENDS[platform] : undefined;
  if (expected !== undefined && backend !== '' && backend !== expected) {
    yield `backend: unexpected 'platform' and 'backend' pair, got: ${platform}, ${backend}: leave one of them out`;
  }
}

function* versionProblems({ version_policy }: ModelConfig) {
  const members = Object.keys(version_policy ?? {});
  if (members.length > 1) yield `version_policy: holds ${members.join(' and ')}: keep one of them`;
  if (version_policy?.specific === undefined) return;
  const { versions } = version_policy.specific;
  if (versions.length === 0) {
    yield 'version_policy.specific.versions: [] serves nothing: name a version, or use all {}';
  }
  const wrong = versions.find((version) => version < 1);
  if (wrong !== undefined) {
    yield `version_policy.specific.versions: ${wrong} is no version: use the numbers of version folders, from 1`;
  }
}

function* cacheProblems(config: ModelConfig) {
  if (config.response_cache?.enable !== true) return;
  const unfit = config.sequence_batching === undefined ? undefined : 'sequence_batching';
  const why = config.model_transaction_policy?.decoupled === true ? 'model_transaction_policy.decoupled' : unfit;
  if (why !== undefined) {
    yield `response_cache.enable: true does not go with ${why}, for its responses are not repeatable: remove one of them`;
  }
}

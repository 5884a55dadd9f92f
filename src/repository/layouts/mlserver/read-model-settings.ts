import { basename } from 'node:path';
import { DATATYPES, type Datatype, isDatatype } from '../../../core/tensor/datatype.js';
import type { Shape } from '../../../core/tensor/shape.js';
import { SettingsObject } from './settings-object.js';

/** The file that makes a folder, at any depth of the repository, a model of this layout. */
export const MODEL_SETTINGS = 'model-settings.json';

/** A tensor as the settings declare it; the shape is the protocol's. */
export interface TensorSettings {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: Shape;
  /** `content_type` and whatever else stands there. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** What a `model-settings.json` says of a model; '' where it says nothing. */
export interface ModelSettings {
  /** Default: the folder's name. */
  readonly name: string;
  /** What opens the model; a Python path in MLServer's own files. */
  readonly implementation: string;
  readonly platform: string;
  /** Free text for the metadata; the model's own version is among its parameters. */
  readonly versions: readonly string[];
  readonly inputs: readonly TensorSettings[];
  readonly outputs: readonly TensorSettings[];
  /** Below 2: no batching. */
  readonly maxBatchSize: number;
  /** Seconds that a batch waits for company. */
  readonly maxBatchTime: number;
  readonly cacheEnabled: boolean;
  /** Deprecated in these files, for the server has its own. */
  readonly parallelWorkers: number | undefined;
  readonly warmWorkers: boolean | undefined;
  readonly parameters: ModelSettingsParameters;
}

export interface ModelSettingsParameters {
  /** Where the artifact lies, relative to the settings' folder; '': there. */
  readonly uri: string;
  /** Free text; '': the model has no version. */
  readonly version: string;
  readonly format: string;
  readonly contentType: string;
  readonly environmentPath: string;
  readonly environmentTarball: string;
  readonly inferencePoolGid: string;
  readonly autogenerateInferencePoolGid: boolean;
  /** Whatever else the implementation is told. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/**
 * Reads a `model-settings.json`. `folder` is the one that it lies in. Unknown keys are left alone. `path` stands in the
 * errors as it is given, and these reach callers: pass it relative to the repository. Throws an `Error` of path, key,
 * value and fix.
 */
export function readModelSettings(text: string, path: string, folder: string): ModelSettings {
  const settings = new SettingsObject(parse(text, path), path);
  return {
    name: settings.text('name') || basename(folder),
    implementation: settings.required('implementation'),
    platform: settings.text('platform'),
    versions: settings.texts('versions'),
    inputs: settings.objects('inputs').map(readTensor),
    outputs: settings.objects('outputs').map(readTensor),
    maxBatchSize: settings.integer('max_batch_size'),
    maxBatchTime: settings.number('max_batch_time'),
    cacheEnabled: settings.flag('cache_enabled'),
    parallelWorkers: settings.has('parallel_workers') ? settings.integer('parallel_workers') : undefined,
    warmWorkers: settings.has('warm_workers') ? settings.flag('warm_workers') : undefined,
    parameters: readParameters(settings.object('parameters')),
  };
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (failure) {
    throw new Error(`${path}: ${(failure as Error).message}`, { cause: failure });
  }
}

const readParameters = (parameters: SettingsObject): ModelSettingsParameters => ({
  uri: parameters.text('uri'),
  version: parameters.text('version'),
  format: parameters.text('format'),
  contentType: parameters.text('content_type'),
  environmentPath: parameters.text('environment_path'),
  environmentTarball: parameters.text('environment_tarball'),
  inferencePoolGid: parameters.text('inference_pool_gid'),
  autogenerateInferencePoolGid: parameters.flag('autogenerate_inference_pool_gid'),
  extra: parameters.object('extra').values,
});

function readTensor(tensor: SettingsObject): TensorSettings {
  const datatype = tensor.required('datatype');
  if (!isDatatype(datatype)) {
    throw tensor.wrong('datatype', datatype, `is no datatype: use one of ${Object.keys(DATATYPES).join(', ')}`);
  }
  const shape = tensor.list('shape').map((dimension, axis) => {
    if (typeof dimension === 'number' && Number.isSafeInteger(dimension) && dimension >= -1) return dimension;
    throw tensor.wrong(`shape[${axis}]`, dimension, 'is no dimension: use integers >= 0, or -1 for any size');
  });
  return { name: tensor.required('name'), datatype, shape, parameters: tensor.object('parameters').values };
}

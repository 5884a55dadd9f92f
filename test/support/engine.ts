import { fp32, signature, type ServableModel, type Signature } from '#core';
import type { QueueOptions, SchedulingOptions } from '../../src/core/model/scheduling.js';
import { NO_PARAMETERS } from '../../src/core/inference/parameters.js';
import type { EncodedRequest, InferenceRequest } from '../../src/core/inference/request.js';
import type { ModelExecutor } from '../../src/engine/execution/model-executor.js';
import { ModelHandle } from '../../src/engine/registry/model-handle.js';
import type { VersionCandidate } from '../../src/engine/registry/model-source.js';

/** What the specs of the engine build their models and requests from. */

/** One vector in, one out. */
export const vector = signature({ inputs: { x: fp32(-1) }, outputs: { y: fp32(-1) } });

export const echo: ServableModel = { infer: ({ x }) => ({ y: x ?? fp32.of([0], []) }) };

export interface HandleParts {
  readonly name?: string;
  readonly version?: string;
  readonly signature?: Signature;
  readonly model?: ServableModel;
  readonly executor?: ModelExecutor;
  readonly scheduling?: SchedulingOptions;
  readonly queue?: QueueOptions;
  readonly dependsOn?: readonly string[];
}

export function handleOf({
  name = 'm',
  version = '1',
  signature = vector,
  model = echo,
  executor,
  scheduling,
  queue = {},
  dependsOn = [],
}: HandleParts = {}) {
  const { inputs, outputs } = signature;
  const opened = { inputs, outputs, model, scheduling, dependsOn, ...(executor === undefined ? {} : { executor }) };
  return new ModelHandle(name, version, 'test', opened, queue);
}

/** A version whose model is made anew, or not, by each `open`. */
export function candidateOf(
  open: () => ServableModel | Promise<ServableModel>,
  { version = '1', fingerprint = 'f-1', signature = vector } = {},
): VersionCandidate {
  const { inputs, outputs } = signature;
  return { version, fingerprint, platform: 'test', open: async () => ({ inputs, outputs, model: await open() }) };
}

export const requestOf = (parts: Partial<InferenceRequest> = {}): InferenceRequest => ({
  model: 'm',
  version: '',
  id: '',
  parameters: NO_PARAMETERS,
  outputs: [],
  inputs: { x: fp32.of([2], [1, 2]) },
  ...parts,
});

export const encodedRequestOf = (parts: Partial<EncodedRequest> = {}): EncodedRequest => ({
  model: 'm',
  version: '',
  id: '',
  parameters: NO_PARAMETERS,
  outputs: [],
  inputs: [],
  rawInput: undefined,
  ...parts,
});

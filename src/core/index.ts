/** All that a model may import. */
export { type ErrorCode, ServingError } from './errors/serving-error.js';
export type {
  BatchContext,
  BatchedRequest,
  InferContext,
  LoadContext,
  ResponseSettings,
  SequenceContext,
} from './inference/context.js';
export type { Parameters, ParameterValue } from './inference/parameters.js';
export type { Principal } from './inference/principal.js';
export { workerThreads, type WorkerThreads, type WorkerThreadsOptions } from './model/execution.js';
export type { ContentType, ContentTypes } from './model/content-types.js';
export { Model, type ModelIdentity, type ModelOptions } from './model/model.decorator.js';
export { type CallOptions, ModelClient, type ModelDescription, type ModelReference } from './model/model-client.js';
export type { BatchingOptions, QueueOptions, QueuePolicy, SequenceOptions } from './model/scheduling.js';
export type { ModelLifecycle, ServableModel } from './model/provider.js';
export { type Inputs, type NamedSpec, type Outputs, signature, type Signature } from './model/signature.js';
export type { ModelConfig } from './model/model-config.js';
export type { Availability, LoadedModel, ModelArtifact, ModelRuntime, ThreadedModel } from './runtime/model-runtime.js';
export { Runtime, type RuntimeClaim } from './runtime/runtime.decorator.js';
export type { Datatype, TensorData } from './tensor/datatype.js';
export {
  bf16,
  bool,
  bytes,
  fp16,
  fp32,
  fp64,
  int16,
  int32,
  int64,
  int8,
  optional,
  type TensorKind,
  type TensorSpec,
  uint16,
  uint32,
  uint64,
  uint8,
} from './tensor/kinds.js';
export { type NamedTensors, Tensor } from './tensor/tensor.js';
export type { Shape } from './tensor/shape.js';

import type { ServiceDefinition } from '@grpc/proto-loader';
import type { InferenceRequest } from '../../../core/inference/request.js';
import { loadContracts } from '../contracts.js';
import type { ModelVersionRequest } from '../messages.js';
import { encodeModelInferRequest } from './infer-request.js';
import { decodeModelInferResponse, type EncodedResponse } from './infer-response.js';
import { decodeModelStreamInferResponse, type EncodedStreamReply } from './stream-response.js';

/** An rpc as a client calls it. */
export interface ClientMethod<Request, Response> {
  readonly path: string;
  readonly encode: (request: Request) => Buffer;
  /** Throws for bytes that are no such message. */
  readonly decode: (bytes: Buffer) => Response;
}

/** A tensor as the metadata of a model tells of it; a field that was not set is absent. */
export interface TensorMetadata {
  readonly name?: string;
  readonly datatype?: string;
  readonly shape?: readonly string[];
}

export interface ModelMetadataReply {
  readonly inputs?: readonly TensorMetadata[];
  readonly outputs?: readonly TensorMetadata[];
}

/** What the configuration of a model says that its metadata does not. */
export interface ModelConfigReply {
  readonly config?: {
    readonly input?: readonly { readonly name?: string; readonly optional?: boolean }[];
    readonly model_transaction_policy?: { readonly decoupled?: boolean };
  };
}

export interface ClientMethods {
  readonly ModelReady: ClientMethod<ModelVersionRequest, { readonly ready?: boolean }>;
  readonly ModelMetadata: ClientMethod<ModelVersionRequest, ModelMetadataReply>;
  readonly ModelConfig: ClientMethod<ModelVersionRequest, ModelConfigReply>;
  readonly ModelInfer: ClientMethod<InferenceRequest, EncodedResponse>;
  readonly ModelStreamInfer: ClientMethod<InferenceRequest, EncodedStreamReply>;
}

let methods: ClientMethods | undefined;

/** The rpcs that this server calls on others; the contracts are read when it first does. */
export const clientMethods = (): ClientMethods => (methods ??= readMethods());

function readMethods(): ClientMethods {
  const service = loadContracts()['inference.GRPCInferenceService'] as ServiceDefinition;
  const methodOf = <Q, R>(name: string): ClientMethod<Q, R> => {
    const method = service[name];
    if (method === undefined) throw new TypeError(`the contract has no rpc ${name}`);
    return {
      path: method.path,
      encode: (request) => method.requestSerialize(request as object),
      decode: (bytes) => method.responseDeserialize(bytes) as R,
    };
  };
  const { path: infer } = methodOf('ModelInfer');
  const { path: stream } = methodOf('ModelStreamInfer');
  return {
    ModelReady: methodOf('ModelReady'),
    ModelMetadata: methodOf('ModelMetadata'),
    ModelConfig: methodOf('ModelConfig'),
    ModelInfer: { path: infer, encode: encodeModelInferRequest, decode: decodeModelInferResponse },
    ModelStreamInfer: { path: stream, encode: encodeModelInferRequest, decode: decodeModelStreamInferResponse },
  };
}

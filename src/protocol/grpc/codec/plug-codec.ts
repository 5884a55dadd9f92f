import type { PackageDefinition, ServiceDefinition } from '@grpc/proto-loader';
import type { InferenceResponse } from '../../../core/inference/response.js';
import { decodeModelInferRequest } from './infer-request.js';
import type { StreamReply } from '../server/stream-messages.js';
import { ownFieldsOf, withOwnFields } from './own-fields.js';
import { encodeModelStreamInferResponse } from './stream-response.js';
import { encodeEitherResponse } from './typed-response.js';

const SERVICES = ['inference.GRPCInferenceService', 'inference.GrpcInferenceService'] as const;

/**
 * Puts the codec of the hot messages where the library's own would be; all other messages keep theirs, and their fields
 * to themselves.
 */
export function plugCodec(definition: PackageDefinition): PackageDefinition {
  const plugged: PackageDefinition = {};
  for (const [name, defined] of Object.entries(definition)) {
    plugged[name] = isService(defined) ? guarded(defined) : defined;
  }
  for (const name of SERVICES) {
    const service = { ...(plugged[name] as ServiceDefinition) };
    for (const [method, codec] of Object.entries(CODECS)) {
      const found = service[method];
      if (found !== undefined) service[method] = { ...found, ...codec };
    }
    plugged[name] = service;
  }
  return plugged;
}

/** All other definitions, of messages and enums, tell their format. */
const isService = (defined: PackageDefinition[string]): defined is ServiceDefinition => !('format' in defined);

const guarded = (service: ServiceDefinition): ServiceDefinition =>
  Object.fromEntries(
    Object.entries(service).map(([method, found]) => [
      method,
      {
        ...found,
        requestDeserialize: (bytes: Buffer) => withOwnFields(found.requestDeserialize(bytes)),
        responseSerialize: (reply: object) => found.responseSerialize(ownFieldsOf(reply) as object),
      },
    ]),
  );

const CODECS = {
  ModelInfer: {
    requestDeserialize: decodeModelInferRequest,
    responseSerialize: (response: object) => encodeEitherResponse(response as InferenceResponse),
  },
  ModelStreamInfer: {
    requestDeserialize: decodeModelInferRequest,
    responseSerialize: (reply: object) => encodeStreamed(reply as StreamReply | InferenceResponse),
  },
};

/** MLServer's clients read a bare response where Triton's read it behind an error. */
const encodeStreamed = (reply: StreamReply | InferenceResponse): Buffer =>
  'response' in reply ? encodeModelStreamInferResponse(reply) : encodeEitherResponse(reply);

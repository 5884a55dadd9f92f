import type { PackageDefinition, ServiceDefinition } from '@grpc/proto-loader';
import type { InferenceResponse } from '../../../core/inference/response.js';
import { decodeModelInferRequest } from './infer-request.js';
import type { StreamReply } from '../server/stream-messages.js';
import { encodeModelInferResponse } from './infer-response.js';
import { encodeModelStreamInferResponse } from './stream-response.js';

const SERVICES = ['inference.GRPCInferenceService', 'inference.GrpcInferenceService'] as const;

type Encode = (response: InferenceResponse) => Buffer;

/**
 * Puts the codec of the hot messages where the library's own would be; all other messages keep theirs. Responses are
 * written by `encode`.
 */
export function plugCodec(definition: PackageDefinition, encode: Encode = encodeModelInferResponse): PackageDefinition {
  const codecs = codecsOf(encode);
  const plugged = { ...definition };
  for (const name of SERVICES) {
    const service = { ...(definition[name] as ServiceDefinition) };
    for (const [method, codec] of Object.entries(codecs)) {
      const found = service[method];
      if (found !== undefined) service[method] = { ...found, ...codec };
    }
    plugged[name] = service;
  }
  return plugged;
}

const codecsOf = (encode: Encode) => ({
  ModelInfer: {
    requestDeserialize: decodeModelInferRequest,
    responseSerialize: (response: object) => encode(response as InferenceResponse),
  },
  ModelStreamInfer: {
    requestDeserialize: decodeModelInferRequest,
    responseSerialize: (reply: object) => encodeStreamed(reply as StreamReply | InferenceResponse, encode),
  },
});

/** MLServer's clients read a bare response where Triton's read it behind an error. */
const encodeStreamed = (reply: StreamReply | InferenceResponse, encode: Encode): Buffer =>
  'response' in reply ? encodeModelStreamInferResponse(reply, encode) : encode(reply);

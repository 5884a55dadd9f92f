import type { PackageDefinition, ServiceDefinition } from '@grpc/proto-loader';
import type { InferenceResponse } from '../../../core/inference/response.js';
import { decodeModelInferRequest } from './infer-request.js';
import { encodeModelInferResponse } from './infer-response.js';

const SERVICES = ['inference.GRPCInferenceService', 'inference.GrpcInferenceService'] as const;

/** Puts the codec of the hot messages where the library's own would be; all other messages keep theirs. */
export function plugCodec(definition: PackageDefinition): PackageDefinition {
  const plugged = { ...definition };
  for (const name of SERVICES) {
    const service = definition[name] as ServiceDefinition | undefined;
    const method = service?.['ModelInfer'];
    if (service === undefined || method === undefined) throw new TypeError(`the contracts have no ${name}/ModelInfer`);
    plugged[name] = {
      ...service,
      ModelInfer: {
        ...method,
        requestDeserialize: decodeModelInferRequest,
        responseSerialize: (response: object) => encodeModelInferResponse(response as InferenceResponse),
      },
    };
  }
  return plugged;
}

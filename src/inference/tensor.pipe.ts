import { Injectable, type PipeTransform } from '@nestjs/common';
import type { EncodedRequest, InferenceRequest } from '../core/inference/request.js';
import { decodeRequest } from '../engine/pipeline/decode-request.js';
import { ModelRegistry } from '../engine/registry/model-registry.js';
import type { Received } from '../protocol/call/received.js';

/** Validates the tensors of a request against the model's signature and decodes them, the same for both wires. */
@Injectable()
export class TensorPipe implements PipeTransform<Received<EncodedRequest>, Received<InferenceRequest>> {
  constructor(private readonly registry: ModelRegistry) {}

  transform({ request, call }: Received<EncodedRequest>): Received<InferenceRequest> {
    return { request: this.decode(request), call };
  }

  /** The same for a request that comes by another way. */
  decode(request: EncodedRequest): InferenceRequest {
    return decodeRequest(this.registry.resolve(request.model, request.version), request);
  }
}

import { Injectable, type PipeTransform } from '@nestjs/common';
import type { EncodedRequest, InferenceRequest } from '../core/inference/request.js';
import { decodeRequest } from '../engine/pipeline/decode-request.js';
import { ModelRegistry } from '../engine/registry/model-registry.js';

/** Validates the tensors of a request against the model's signature and decodes them, the same for both wires. */
@Injectable()
export class TensorPipe implements PipeTransform<EncodedRequest, InferenceRequest> {
  constructor(private readonly registry: ModelRegistry) {}

  transform(request: EncodedRequest): InferenceRequest {
    return decodeRequest(this.registry.resolve(request.model, request.version), request);
  }
}

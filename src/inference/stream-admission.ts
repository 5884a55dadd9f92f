import { Injectable } from '@nestjs/common';
import { ModelAccess } from '../core/inference/model-access.js';
import type { InferenceRequest } from '../core/inference/request.js';
import { withForwarded } from '../protocol/call/header-forwarding.js';
import { decodeInferRequest } from '../protocol/grpc/decode.js';
import type { StreamedRequest } from '../protocol/grpc/server/stream-messages.js';
import { TensorPipe } from './tensor.pipe.js';

/** Lets a message of a stream in as the guards let in a call: who sent it may run the model, and is charged for it. */
@Injectable()
export class StreamAdmission {
  constructor(
    private readonly tensors: TensorPipe,
    private readonly access: ModelAccess,
  ) {}

  /** Throws a `ServingError` where the request may not run, or cannot. */
  async admit({ message, call }: StreamedRequest): Promise<InferenceRequest> {
    if (call.refusal !== undefined) throw call.refusal;
    const encoded = withForwarded(decodeInferRequest(message), call);
    await this.access.check(call, 'inference', encoded.model, encoded.version);
    await call.onInference?.(encoded);
    return this.tensors.decode(encoded);
  }
}

import { Controller } from '@nestjs/common';
import { GrpcMethod, GrpcStreamCall, Payload } from '@nestjs/microservices';
import type { InferenceRequest } from '../core/inference/request.js';
import { Family } from '../protocol/call/operation.decorator.js';
import type { Received } from '../protocol/call/received.js';
import { GrpcInferRequest } from '../protocol/grpc/grpc-infer.decorator.js';
import type { InferenceStream } from '../protocol/grpc/server/stream-messages.js';
import { InferenceService } from './inference.service.js';
import { StreamService } from './stream.service.js';
import { TensorPipe } from './tensor.pipe.js';

@Family('inference')
@Controller()
export class InferenceGrpcController {
  constructor(
    private readonly inference: InferenceService,
    private readonly streams: StreamService,
  ) {}

  @GrpcMethod('GRPCInferenceService', 'ModelInfer')
  modelInfer(@GrpcInferRequest(TensorPipe) { request, call }: Received<InferenceRequest>) {
    return this.inference.infer(request, call);
  }

  @GrpcStreamCall('GRPCInferenceService', 'ModelStreamInfer')
  modelStreamInfer(@Payload() stream: InferenceStream) {
    return this.streams.serve(stream);
  }
}

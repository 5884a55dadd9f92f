import { Module } from '@nestjs/common';
import { Extension } from '../protocol/extension.decorator.js';
import { InferenceGrpcController } from './inference.grpc.controller.js';
import { InferenceRestController } from './inference.rest.controller.js';
import { InferenceService } from './inference.service.js';
import { StreamService } from './stream.service.js';
import { TensorPipe } from './tensor.pipe.js';

/** ModelInfer and its REST route. */
@Extension('binary_tensor_data', 'parameters')
@Module({
  controllers: [InferenceGrpcController, InferenceRestController],
  providers: [InferenceService, StreamService, TensorPipe],
})
export class InferenceModule {}

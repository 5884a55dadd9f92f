import { Module } from '@nestjs/common';
import { Overload } from '../protocol/call/overload.js';
import { Extension } from '../protocol/extension.decorator.js';
import { ProtocolModule } from '../protocol/protocol.module.js';
import { InferenceGrpcController } from './inference.grpc.controller.js';
import { InferenceLimits } from './inference-limits.js';
import { InferenceRestController } from './inference.rest.controller.js';
import { InferenceService } from './inference.service.js';
import { MlserverStreamService } from './mlserver-stream.service.js';
import { StreamAdmission } from './stream-admission.js';
import { StreamService } from './stream.service.js';
import { TensorPipe } from './tensor.pipe.js';

/** ModelInfer and ModelStreamInfer, and their REST routes. */
@Extension('binary_tensor_data', 'parameters', 'schedule_policy', 'sequence', 'sequence(string_id)')
@Module({
  imports: [ProtocolModule],
  controllers: [InferenceGrpcController, InferenceRestController],
  providers: [
    InferenceService,
    StreamService,
    MlserverStreamService,
    StreamAdmission,
    TensorPipe,
    InferenceLimits,
    { provide: Overload, useExisting: InferenceLimits },
  ],
})
export class InferenceModule {}

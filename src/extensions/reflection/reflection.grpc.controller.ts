import { Controller } from '@nestjs/common';
import { GrpcStreamCall, Payload } from '@nestjs/microservices';
import { Family } from '../../protocol/call/operation.decorator.js';
import type { MessageStream } from '../../protocol/grpc/server/stream-messages.js';
import { loadReflection } from './load-reflection.js';

/** Stands behind the guards as every other rpc does; both versions of the service come here. */
@Family('metadata')
@Controller()
export class ReflectionGrpcController {
  @GrpcStreamCall('ServerReflection', 'ServerReflectionInfo')
  async serverReflectionInfo(@Payload() stream: MessageStream): Promise<void> {
    const reflection = await loadReflection();
    for await (const request of stream.messages) await stream.write(reflection.answer(request));
  }
}

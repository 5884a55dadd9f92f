import { Module } from '@nestjs/common';
import { Extension } from '../../protocol/extension.decorator.js';
import { ReflectionGrpcController } from './reflection.grpc.controller.js';

/** gRPC reflection, where `GRPC_REFLECTION` asks for it: tools like grpcurl need no contracts then. */
@Extension()
@Module({ controllers: [ReflectionGrpcController] })
export class ReflectionModule {}

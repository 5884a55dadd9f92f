import { Module } from '@nestjs/common';
import { Extension } from '../../protocol/extension.decorator.js';
import { CudaSharedMemoryGrpcController } from './cuda/cuda-shared-memory.grpc.controller.js';
import { CudaSharedMemoryRestController } from './cuda/cuda-shared-memory.rest.controller.js';
import { CudaSharedMemoryService } from './cuda/cuda-shared-memory.service.js';
import { Regions } from './regions/regions.js';
import { SystemSharedMemoryGrpcController } from './system/system-shared-memory.grpc.controller.js';
import { SystemSharedMemoryRestController } from './system/system-shared-memory.rest.controller.js';
import { SystemSharedMemoryService } from './system/system-shared-memory.service.js';

/** Tensors in memory that callers on the same machine share with the server. */
@Extension('system_shared_memory', 'cuda_shared_memory')
@Module({
  controllers: [
    SystemSharedMemoryGrpcController,
    SystemSharedMemoryRestController,
    CudaSharedMemoryGrpcController,
    CudaSharedMemoryRestController,
  ],
  providers: [Regions, SystemSharedMemoryService, CudaSharedMemoryService],
})
export class SharedMemoryModule {}

import { Injectable } from '@nestjs/common';
import { invalidArgument } from '../../../core/errors/catalogue.js';
import { ServingError } from '../../../core/errors/serving-error.js';
import { SystemSharedMemoryService } from '../system/system-shared-memory.service.js';

/** The memory of GPUs, of which this server has none: there is nothing to see, and nothing to release. */
@Injectable()
export class CudaSharedMemoryService {
  constructor(private readonly memory: SystemSharedMemoryService) {}

  /** Throws `invalid-argument`, as Triton does on a machine without a GPU. */
  register(name: string): never {
    this.memory.assertAllowed();
    throw invalidArgument(`failed to register CUDA shared memory region: '${name}', GPUs not supported`);
  }

  unregister(): void {
    this.memory.assertAllowed();
  }

  status(name: string): readonly never[] {
    if (name === '') return [];
    throw new ServingError('not-found', `Unable to find cuda shared memory region: '${name}'`);
  }
}

import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { Family } from '../../../protocol/call/operation.decorator.js';
import { CudaSharedMemoryService } from './cuda-shared-memory.service.js';

@Family('shared-memory')
@Controller('v2/cudasharedmemory')
export class CudaSharedMemoryRestController {
  constructor(private readonly memory: CudaSharedMemoryService) {}

  @Get(['status', 'region/:region/status'])
  status(@Param('region') name = '') {
    return this.memory.status(name);
  }

  @Post('region/:region/register')
  @HttpCode(200)
  register(@Param('region') name: string): never {
    return this.memory.register(name);
  }

  @Post(['unregister', 'region/:region/unregister'])
  @HttpCode(200)
  unregister(): void {
    this.memory.unregister();
  }
}

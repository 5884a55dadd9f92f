import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { Family } from '../../../protocol/call/operation.decorator.js';
import { Describe, json } from '../../../protocol/rest/api/describe.decorator.js';
import { COUNT, listOf, NamedSchema, objectOf, TEXT } from '../../../protocol/rest/api/schema.js';
import { CudaSharedMemoryService } from './cuda-shared-memory.service.js';

const REGION = new NamedSchema('CudaRegion', objectOf({ name: TEXT, device_id: COUNT, byte_size: COUNT }));
const REGISTRATION = json(objectOf({ raw_handle: objectOf({ b64: TEXT }), device_id: COUNT, byte_size: COUNT }));

@Family('shared-memory')
@Controller('v2/cudasharedmemory')
export class CudaSharedMemoryRestController {
  constructor(private readonly memory: CudaSharedMemoryService) {}

  @Get(['status', 'region/:region/status'])
  @Describe({ summary: 'The registered regions', response: json(listOf(REGION)) })
  status(@Param('region') name = '') {
    return this.memory.status(name);
  }

  @Post('region/:region/register')
  @HttpCode(200)
  @Describe({ summary: 'Registers a region', request: REGISTRATION })
  register(@Param('region') name: string): never {
    return this.memory.register(name);
  }

  @Post(['unregister', 'region/:region/unregister'])
  @HttpCode(200)
  @Describe({ summary: 'Takes back the registration of a region, or of all' })
  unregister(): void {
    this.memory.unregister();
  }
}

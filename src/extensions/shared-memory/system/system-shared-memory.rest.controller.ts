import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { Call, CallContext } from '../../../protocol/call/call-context.js';
import { Family } from '../../../protocol/call/operation.decorator.js';
import { Describe, json } from '../../../protocol/rest/api/describe.decorator.js';
import { COUNT, listOf, NamedSchema, objectOf, TEXT } from '../../../protocol/rest/api/schema.js';
import { ControlBodyPipe } from '../../../protocol/rest/control-body.pipe.js';
import { RegisterBody } from './register-body.js';
import { SystemSharedMemoryService } from './system-shared-memory.service.js';

const REGION = new NamedSchema('SystemRegion', objectOf({ name: TEXT, key: TEXT, offset: COUNT, byte_size: COUNT }));
const REGISTRATION = json(objectOf({ key: TEXT, offset: COUNT, byte_size: COUNT }, 'offset'));

@Family('shared-memory')
@Controller('v2/systemsharedmemory')
export class SystemSharedMemoryRestController {
  constructor(private readonly memory: SystemSharedMemoryService) {}

  @Get(['status', 'region/:region/status'])
  @Describe({ summary: 'The registered regions', response: json(listOf(REGION)) })
  status(@Call() call: CallContext, @Param('region') name = '') {
    return this.memory.status(call, name).map(({ byteSize: byte_size, ...status }) => ({ ...status, byte_size }));
  }

  @Post('region/:region/register')
  @HttpCode(200)
  @Describe({ summary: 'Registers a region', request: REGISTRATION })
  register(
    @Param('region') name: string,
    @Body(new ControlBodyPipe(RegisterBody)) { key, offset = 0, byte_size: byteSize }: RegisterBody,
    @Call() call: CallContext,
  ): void {
    this.memory.register(call, { name, key, offset, byteSize });
  }

  @Post(['unregister', 'region/:region/unregister'])
  @HttpCode(200)
  @Describe({ summary: 'Takes back the registration of a region, or of all' })
  unregister(@Call() call: CallContext, @Param('region') name = ''): void {
    this.memory.unregister(call, name);
  }
}

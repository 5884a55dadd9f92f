import { Controller, Get, Header, NotFoundException } from '@nestjs/common';
import { Family } from '../../protocol/call/operation.decorator.js';
import { Describe, json } from '../../protocol/rest/api/describe.decorator.js';
import { EMPTY } from '../../protocol/rest/api/schema.js';
import { OpenapiConfig } from './openapi.config.js';
import { OpenapiService } from './openapi.service.js';

/** The second path is MLServer's. */
@Family('metadata')
@Controller('v2')
export class OpenapiRestController {
  constructor(
    private readonly config: OpenapiConfig,
    private readonly openapi: OpenapiService,
  ) {}

  @Get(['openapi.json', 'docs/dataplane.json'])
  @Header('content-type', 'application/json')
  @Describe({ summary: 'This document', response: json(EMPTY) })
  document(): string {
    if (!this.config.OPENAPI) throw new NotFoundException();
    return this.openapi.document;
  }
}

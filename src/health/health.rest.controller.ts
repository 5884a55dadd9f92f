import { Controller, Get, HttpStatus, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { modelNotFound } from '../core/errors/catalogue.js';
import { Family, Public } from '../protocol/call/operation.decorator.js';
import { HealthService } from './health.service.js';

/** Triton's clients look at the status alone, KServe's read the body: both are served. */
@Family('health')
@Controller('v2')
export class HealthRestController {
  constructor(private readonly health: HealthService) {}

  @Public()
  @Get('health/live')
  live() {
    return { live: true };
  }

  @Public()
  @Get('health/ready')
  ready(@Res({ passthrough: true }) reply: FastifyReply) {
    const ready = this.health.ready;
    if (!ready) reply.status(HttpStatus.BAD_REQUEST);
    return { ready };
  }

  @Get(['models/:model/ready', 'models/:model/versions/:version/ready'])
  modelReady(
    @Param('model') name: string,
    @Param('version') version: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    if (this.health.isModelReady(name, version ?? '')) return { name, ready: true };
    if (!this.health.isModelKnown(name, version ?? '')) throw modelNotFound(name, version);
    reply.status(HttpStatus.BAD_REQUEST);
    return { name, ready: false, error: 'Model version not ready' };
  }
}

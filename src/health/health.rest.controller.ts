import { Controller, Get, HttpStatus, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { modelNotFound } from '../core/errors/catalogue.js';
import { Family, Public } from '../protocol/call/operation.decorator.js';
import { Describe, json } from '../protocol/rest/api/describe.decorator.js';
import { FLAG, objectOf, TEXT } from '../protocol/rest/api/schema.js';
import { HealthService } from './health.service.js';

const READINESS = json(objectOf({ ready: FLAG }));
const MODEL_READINESS = json(objectOf({ name: TEXT, ready: FLAG, error: TEXT }, 'error'));

/** Triton's clients look at the status alone, KServe's read the body: both are served. */
@Family('health')
@Controller('v2')
export class HealthRestController {
  constructor(private readonly health: HealthService) {}

  @Public()
  @Get('health/live')
  @Describe({ summary: 'Whether the server is live', response: json(objectOf({ live: FLAG })) })
  live() {
    return { live: true };
  }

  @Public()
  @Get('health/ready')
  @Describe({
    summary: 'Whether every model that was asked for can be called',
    response: READINESS,
    failures: { 400: READINESS },
  })
  ready(@Res({ passthrough: true }) reply: FastifyReply) {
    const ready = this.health.ready;
    if (!ready) reply.status(HttpStatus.BAD_REQUEST);
    return { ready };
  }

  @Get(['models/:model/ready', 'models/:model/versions/:version/ready'])
  @Describe({ summary: 'Whether a model can be called', response: MODEL_READINESS, failures: { 400: MODEL_READINESS } })
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

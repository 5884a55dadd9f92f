import { Controller, Get, HttpCode, HttpStatus, Param, Post, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Call, CallContext } from '../../protocol/call/call-context.js';
import { Family } from '../../protocol/call/operation.decorator.js';
import { Describe, json } from '../../protocol/rest/api/describe.decorator.js';
import { FLAG, listOf, objectOf, TEXT } from '../../protocol/rest/api/schema.js';
import { JSON_TYPE } from '../../protocol/rest/codec/encode.js';
import { InferenceRoute } from '../../protocol/rest/inference-route.decorator.js';
import { Received } from '../../protocol/rest/rest-infer.decorator.js';
import type { ReceivedInference } from '../../protocol/rest/rest-infer.pipe.js';
import { KserveV1Guard } from './kserve-v1.guard.js';
import { KserveV1Service } from './kserve-v1.service.js';

const READINESS = json(objectOf({ name: TEXT, ready: FLAG, error: TEXT }, 'error'));
const PREDICT_REQUEST = json(objectOf({ instances: listOf({}), inputs: {} }, 'instances', 'inputs'));

@UseGuards(KserveV1Guard)
@Controller('v1/models')
export class KserveV1RestController {
  constructor(private readonly v1: KserveV1Service) {}

  @Family('metadata')
  @Get()
  @Describe({ summary: 'The names of the models that are ready', response: json(objectOf({ models: listOf(TEXT) })) })
  async models(@Call() call: CallContext) {
    return { models: await this.v1.models(call) };
  }

  @Family('health')
  @Get(':model')
  @Describe({ summary: 'Whether a model can be called', response: READINESS, failures: { 503: READINESS } })
  ready(@Param('model') name: string, @Res({ passthrough: true }) reply: FastifyReply) {
    if (this.v1.isReady(name)) return { name, ready: true };
    reply.status(HttpStatus.SERVICE_UNAVAILABLE);
    return { name, ready: false, error: `Model with name ${name} is not ready.` };
  }

  /** The doubled colon is the router's way to write one. */
  @Family('inference')
  @Post(':model(.+)::predict')
  @HttpCode(200)
  @InferenceRoute()
  @Describe({
    summary: 'Runs a model on instances or inputs',
    request: PREDICT_REQUEST,
    response: json(objectOf({ predictions: {} })),
  })
  predict(@Received() received: ReceivedInference, @Res({ passthrough: true }) reply: FastifyReply) {
    reply.header('content-type', JSON_TYPE);
    return this.v1.predict(received);
  }
}

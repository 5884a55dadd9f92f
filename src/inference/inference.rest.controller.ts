import { Controller, HttpCode, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { InferenceRequest } from '../core/inference/request.js';
import { Family } from '../protocol/call/operation.decorator.js';
import type { Received } from '../protocol/call/received.js';
import { Describe, events } from '../protocol/rest/api/describe.decorator.js';
import { INFER_REQUEST_BODY, INFER_RESPONSE, INFER_RESPONSE_BODY } from '../protocol/rest/api/inference-schemas.js';
import { InferenceRoute } from '../protocol/rest/inference-route.decorator.js';
import { InferReplies } from '../protocol/rest/reply/infer-replies.js';
import { RestInferRequest } from '../protocol/rest/rest-infer.decorator.js';
import { InferenceService } from './inference.service.js';
import { TensorPipe } from './tensor.pipe.js';

@Family('inference')
@Controller('v2/models/:model')
export class InferenceRestController {
  constructor(
    private readonly inference: InferenceService,
    private readonly replies: InferReplies,
  ) {}

  @Post(['infer', 'versions/:version/infer'])
  @HttpCode(200)
  @InferenceRoute()
  @Describe({ summary: 'Runs a model', request: INFER_REQUEST_BODY, response: INFER_RESPONSE_BODY })
  async infer(
    @RestInferRequest(TensorPipe) { request, call }: Received<InferenceRequest>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const response = await this.inference.infer(request, call);
    return this.replies.write(reply, request, response, call);
  }

  @Post(['infer_stream', 'versions/:version/infer_stream'])
  @HttpCode(200)
  @InferenceRoute()
  @Describe({
    summary: 'Runs a model: an event for each response',
    request: INFER_REQUEST_BODY,
    response: events(INFER_RESPONSE),
  })
  inferStream(
    @RestInferRequest(TensorPipe) { request, call }: Received<InferenceRequest>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return this.replies.stream(reply, request, this.inference.stream(request, call), call);
  }
}

import { Controller, HttpCode, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { InferenceRequest } from '../core/inference/request.js';
import { Call, CallContext } from '../protocol/call/call-context.js';
import { Family } from '../protocol/call/operation.decorator.js';
import { encodeInferResponse } from '../protocol/rest/encode.js';
import { RestConfig } from '../protocol/rest/rest.config.js';
import { RestInferRequest } from '../protocol/rest/rest-infer.decorator.js';
import { InferenceService } from './inference.service.js';
import { TensorPipe } from './tensor.pipe.js';

@Family('inference')
@Controller('v2/models/:model')
export class InferenceRestController {
  constructor(
    private readonly inference: InferenceService,
    private readonly config: RestConfig,
  ) {}

  @Post(['infer', 'versions/:version/infer'])
  @HttpCode(200)
  async infer(
    @RestInferRequest(TensorPipe) request: InferenceRequest,
    @Call() call: CallContext,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const response = await this.inference.infer(request, call);
    const { headers, body } = encodeInferResponse(request, response, this.config.JSON_NON_FINITE);
    reply.headers(headers);
    return body;
  }
}

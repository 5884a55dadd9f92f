import { Controller, HttpCode, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Family } from '../../protocol/call/operation.decorator.js';
import { InferenceRoute } from '../../protocol/rest/inference-route.decorator.js';
import { Received } from '../../protocol/rest/rest-infer.decorator.js';
import type { ReceivedInference } from '../../protocol/rest/rest-infer.pipe.js';
import { GenerateService } from './generate.service.js';

@Family('inference')
@Controller('v2/models/:model')
export class GenerateRestController {
  constructor(private readonly generation: GenerateService) {}

  @Post(['generate', 'versions/:version/generate'])
  @HttpCode(200)
  @InferenceRoute({ plainBody: true })
  generate(@Received() received: ReceivedInference, @Res({ passthrough: true }) reply: FastifyReply) {
    return this.generation.generate(received, reply);
  }

  @Post(['generate_stream', 'versions/:version/generate_stream'])
  @HttpCode(200)
  @InferenceRoute({ plainBody: true })
  generateStream(@Received() received: ReceivedInference, @Res({ passthrough: true }) reply: FastifyReply) {
    return this.generation.stream(received, reply);
  }
}

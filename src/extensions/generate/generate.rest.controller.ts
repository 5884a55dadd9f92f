import { Controller, HttpCode, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Family } from '../../protocol/call/operation.decorator.js';
import { Describe, events, json } from '../../protocol/rest/api/describe.decorator.js';
import { PARAMETERS } from '../../protocol/rest/api/inference-schemas.js';
import { NamedSchema } from '../../protocol/rest/api/schema.js';
import { InferenceRoute } from '../../protocol/rest/inference-route.decorator.js';
import { Received } from '../../protocol/rest/rest-infer.decorator.js';
import type { ReceivedInference } from '../../protocol/rest/rest-infer.pipe.js';
import { GenerateService } from './generate.service.js';

/** Inputs and outputs stand in it by their names. */
const GENERATE_REQUEST = new NamedSchema('GenerateRequest', {
  type: 'object',
  properties: { id: { type: 'string' }, parameters: PARAMETERS },
});
const GENERATED = new NamedSchema('GenerateResponse', { type: 'object', additionalProperties: true });

@Family('inference')
@Controller('v2/models/:model')
export class GenerateRestController {
  constructor(private readonly generation: GenerateService) {}

  @Post(['generate', 'versions/:version/generate'])
  @HttpCode(200)
  @InferenceRoute({ plainBody: true })
  @Describe({ summary: 'Runs a model on flat JSON', request: json(GENERATE_REQUEST), response: json(GENERATED) })
  generate(@Received() received: ReceivedInference, @Res({ passthrough: true }) reply: FastifyReply) {
    return this.generation.generate(received, reply);
  }

  @Post(['generate_stream', 'versions/:version/generate_stream'])
  @HttpCode(200)
  @InferenceRoute({ plainBody: true })
  @Describe({
    summary: 'Runs a model on flat JSON: an event for each response',
    request: json(GENERATE_REQUEST),
    response: events(GENERATED),
  })
  generateStream(@Received() received: ReceivedInference, @Res({ passthrough: true }) reply: FastifyReply) {
    return this.generation.stream(received, reply);
  }
}

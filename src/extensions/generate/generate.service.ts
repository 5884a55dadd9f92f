import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ServingError } from '../../core/errors/serving-error.js';
import type { InferenceRequest } from '../../core/inference/request.js';
import type { InferenceResponse } from '../../core/inference/response.js';
import { decodeRequest } from '../../engine/pipeline/decode-request.js';
import { InferencePipeline } from '../../engine/pipeline/inference-pipeline.js';
import { ModelRegistry } from '../../engine/registry/model-registry.js';
import type { CallContext } from '../../protocol/call/call-context.js';
import { inputForms } from '../../protocol/rest/codec/body-reader.js';
import { JSON_TYPE } from '../../protocol/rest/codec/encode.js';
import { RestCodec } from '../../protocol/rest/codec/rest-codec.js';
import { eventStream } from '../../protocol/rest/reply/event-stream.js';
import { InferReplies } from '../../protocol/rest/reply/infer-replies.js';
import { charge, type ReceivedInference } from '../../protocol/rest/rest-infer.pipe.js';
import { generations } from './read-generate.js';
import { generated } from './encode-generate.js';

/** A request, and in which dialect it is answered. */
interface Generation {
  readonly request: InferenceRequest;
  /** Whether it is an inference request, as MLServer takes them on the same routes. */
  readonly isInference: boolean;
}

/** Runs models on flat JSON: what a body's keys mean follows from the model's signature. */
@Injectable()
export class GenerateService {
  constructor(
    private readonly registry: ModelRegistry,
    private readonly pipeline: InferencePipeline,
    private readonly codec: RestCodec,
    private readonly replies: InferReplies,
  ) {}

  /** Answers with the only response of the model. Throws `internal` where it gives none, or more. */
  async generate(received: ReceivedInference, reply: FastifyReply): Promise<Buffer | string> {
    const { call } = received;
    const { request, isInference } = await this.read(received);
    if (isInference) return this.replies.write(reply, request, await this.pipeline.run(request, call), call);
    const response = await onlyOne(this.responses(request, call));
    reply.header('content-type', JSON_TYPE);
    return this.codec.write(generated, response, call);
  }

  /** Answers with an event for each response. */
  async stream(received: ReceivedInference, reply: FastifyReply): Promise<Readable> {
    const { call } = received;
    const { request, isInference } = await this.read(received);
    const responses = this.responses(request, call);
    if (isInference) return this.replies.stream(reply, request, responses, call);
    return eventStream(reply, this.events(responses, call));
  }

  private async read({ parts, call }: ReceivedInference): Promise<Generation> {
    const handle = this.registry.resolve(parts.model, parts.version);
    const { isInference, request: encoded } = await this.codec.read(
      generations,
      parts,
      inputForms(handle.inputs),
      call,
    );
    const { request } = await charge(encoded, call);
    return { request: decodeRequest(handle, request), isInference };
  }

  private async *responses(request: InferenceRequest, call: CallContext): AsyncGenerator<InferenceResponse, void> {
    for await (const response of this.pipeline.responses(request, call)) {
      call.version = response.version;
      yield response;
    }
  }

  private async *events(responses: AsyncIterable<InferenceResponse>, call: CallContext): AsyncGenerator<string, void> {
    for await (const response of responses) yield String(await this.codec.write(generated, response, call));
  }
}

async function onlyOne(responses: AsyncIterable<InferenceResponse>): Promise<InferenceResponse> {
  let only: InferenceResponse | undefined;
  for await (const response of responses) {
    if (only !== undefined) throw notOne();
    only = response;
  }
  if (only === undefined) throw notOne();
  return only;
}

const notOne = (): ServingError =>
  new ServingError(
    'internal',
    'generate expects model to produce exactly 1 response, use generate stream for model that generates various number of responses',
  );

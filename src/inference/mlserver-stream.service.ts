import { Injectable } from '@nestjs/common';
import { invalidArgument, toServingError } from '../core/errors/catalogue.js';
import { InferencePipeline } from '../engine/pipeline/inference-pipeline.js';
import type { ModelInferRequest } from '../protocol/grpc/messages.js';
import type { InferenceStream, StreamedRequest } from '../protocol/grpc/server/stream-messages.js';
import { StreamAdmission } from './stream-admission.js';

/**
 * Serves streams of inferences in MLServer's dialect: the first message names the model, its version and the id for all,
 * each message is answered before the next one is read, and the first error ends the stream.
 */
@Injectable()
export class MlserverStreamService {
  constructor(
    private readonly pipeline: InferencePipeline,
    private readonly admission: StreamAdmission,
  ) {}

  /** Resolves when the client has sent its last message and has every reply, or an error has ended the stream. */
  async serve(stream: InferenceStream): Promise<void> {
    let first: ModelInferRequest | undefined;
    for await (const { message, call } of stream.requests) {
      first ??= message;
      call.model = first.model_name ?? '';
      call.version = first.model_version ?? '';
      await this.answer({ message: headed(message, first), call }, first, stream);
    }
  }

  private async answer(
    streamed: StreamedRequest,
    { model_name: model = '', model_version: version = '', id = '' }: ModelInferRequest,
    stream: InferenceStream,
  ): Promise<void> {
    const { message, call } = streamed;
    try {
      if (message.model_name !== model) {
        throw invalidArgument(
          `a stream in MLServer's dialect is for one model: its first message names '${model}', a later one '${message.model_name}'`,
        );
      }
      const request = await this.admission.admit(streamed);
      for await (const response of this.pipeline.responses(request, call))
        await stream.send({ error: '', response }, message);
      stream.finished(call);
    } catch (thrown) {
      const error = toServingError(thrown);
      stream.finished(call, error);
      const response = { model, version, id, parameters: new Map(), outputs: [] };
      await stream.fail(error, { error: error.message, response }, message);
    }
  }
}

/** What a later message leaves out is as in the first. */
const headed = (message: ModelInferRequest, first: ModelInferRequest): ModelInferRequest => ({
  ...message,
  model_name: message.model_name || (first.model_name ?? ''),
  model_version: first.model_version,
  id: message.id || first.id,
});

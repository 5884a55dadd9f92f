import { Injectable } from '@nestjs/common';
import { toServingError } from '../core/errors/catalogue.js';
import type { ParameterValue } from '../core/inference/parameters.js';
import type { InferenceRequest } from '../core/inference/request.js';
import type { InferenceResponse } from '../core/inference/response.js';
import { InferencePipeline } from '../engine/pipeline/inference-pipeline.js';
import { ModelRegistry } from '../engine/registry/model-registry.js';
import { GrpcConfig } from '../protocol/grpc/grpc.config.js';
import type { ModelInferRequest } from '../protocol/grpc/messages.js';
import type { InferenceStream, StreamedRequest } from '../protocol/grpc/server/stream-messages.js';
import { Slots } from './slots.js';
import { MlserverStreamService } from './mlserver-stream.service.js';
import { StreamAdmission } from './stream-admission.js';

/** Tells the client whether a response is the last one of its request. */
const FINAL = 'triton_final_response';
/** Asks for an empty response behind the last one of a decoupled request. */
const EMPTY_FINAL = 'triton_enable_empty_final_response';

/**
 * Serves streams of inferences in Triton's dialect: any model for each message, errors as replies with the id of their
 * request, the responses of models that give one in the order of the requests, those of decoupled models as they come.
 */
@Injectable()
export class StreamService {
  constructor(
    private readonly pipeline: InferencePipeline,
    private readonly registry: ModelRegistry,
    private readonly admission: StreamAdmission,
    private readonly mlserver: MlserverStreamService,
    private readonly config: GrpcConfig,
  ) {}

  /** Answers all requests of a stream; resolves when the client has sent its last one and has every reply. */
  async serve(stream: InferenceStream): Promise<void> {
    if (stream.dialect === 'mlserver') return this.mlserver.serve(stream);
    const slots = new Slots(this.config.STREAM_MAX_IN_FLIGHT);
    const running = new Set<Promise<void>>();
    let turn: Promise<void> = Promise.resolve();
    for await (const request of stream.requests) {
      await slots.take();
      const decoupled = this.isDecoupled(request.message);
      const answered = this.answer(request, stream, decoupled ? undefined : turn).finally(() => {
        slots.release();
        running.delete(answered);
      });
      running.add(answered);
      if (!decoupled) turn = answered;
    }
    await Promise.all(running);
  }

  /** Answers one request; its replies come after `turn`, unless the model is decoupled. Never rejects. */
  private async answer(
    streamed: StreamedRequest,
    stream: InferenceStream,
    turn: Promise<void> | undefined,
  ): Promise<void> {
    const { message, call } = streamed;
    try {
      const request = await this.admission.admit(streamed);
      if (turn === undefined) {
        await this.sendAll(request, streamed, stream);
      } else {
        const response = await this.pipeline.run(request, call);
        await turn;
        await stream.send({ error: '', response: marked(response, true) }, message);
      }
      stream.finished(call);
    } catch (thrown) {
      await turn;
      const error = toServingError(thrown);
      stream.finished(call, error);
      const { model_name: model = '', model_version: version = '', id = '' } = message;
      const response = marked({ model, version, id, parameters: new Map(), outputs: [] }, true);
      await stream.fail(error, { error: error.message, response }, message);
    }
  }

  private async sendAll(
    request: InferenceRequest,
    { message, call }: StreamedRequest,
    stream: InferenceStream,
  ): Promise<void> {
    const { model, id, parameters } = request;
    let { version } = request;
    for await (const response of this.pipeline.stream(request, call)) {
      version = response.version;
      await stream.send({ error: '', response: marked(response, false) }, message);
    }
    if (parameters.get(EMPTY_FINAL) !== true) return;
    const end = { model, version, id, parameters: new Map(), outputs: [] };
    await stream.send({ error: '', response: marked(end, true) }, message);
  }

  /** A model that cannot be found is none: the error comes when the request is answered. */
  private isDecoupled({ model_name = '', model_version = '' }: ModelInferRequest): boolean {
    try {
      return this.registry.resolve(model_name, model_version).decoupled;
    } catch {
      return false;
    }
  }
}

function marked(response: InferenceResponse, final: boolean): InferenceResponse {
  const parameters = new Map<string, ParameterValue>(response.parameters).set(FINAL, final);
  return { ...response, parameters };
}

import { Injectable } from '@nestjs/common';
import { modelNotFound } from '../../core/errors/catalogue.js';
import type { InferenceCall } from '../../core/inference/call.js';
import { ModelAccess } from '../../core/inference/model-access.js';
import { decodeRequest } from '../../engine/pipeline/decode-request.js';
import { InferencePipeline } from '../../engine/pipeline/inference-pipeline.js';
import { ModelRegistry } from '../../engine/registry/model-registry.js';
import { inputForms } from '../../protocol/rest/codec/body-reader.js';
import { RestCodec } from '../../protocol/rest/codec/rest-codec.js';
import { charge, type ReceivedInference } from '../../protocol/rest/rest-infer.pipe.js';
import { predictions } from './decode-prediction.js';
import { predicted } from './encode-predictions.js';

/** Models as KServe's V1 protocol speaks of them: by name, without versions. */
@Injectable()
export class KserveV1Service {
  constructor(
    private readonly registry: ModelRegistry,
    private readonly pipeline: InferencePipeline,
    private readonly access: ModelAccess,
    private readonly codec: RestCodec,
  ) {}

  /** The models that would be served, as far as the caller may see them. */
  async models(call: InferenceCall): Promise<readonly string[]> {
    const ready = this.registry.names().filter((name) => this.registry.isReady(name));
    return this.access.visible(call, 'metadata', ready.sort());
  }

  /** Throws `not-found` for a model that nobody knows. */
  isReady(name: string): boolean {
    if (this.registry.versionsOf(name) === undefined) throw modelNotFound(name);
    return this.registry.isReady(name);
  }

  /** Runs the model's default version on a body, and writes the body of the answer. */
  async predict({ parts, call }: ReceivedInference): Promise<Buffer | string> {
    const handle = this.registry.resolve(parts.model, '');
    const target = { name: handle.name, inputs: inputForms(handle.inputs) };
    const read = await this.codec.read(predictions, parts, target, call);
    const { request } = await charge(read.request, call);
    const response = await this.pipeline.run(decodeRequest(handle, request), call);
    call.version = response.version;
    return this.codec.write(predicted, response, call);
  }
}

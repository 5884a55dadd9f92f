import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { ServingError } from '../../core/errors/serving-error.js';
import type { CallTimings, InferenceCall } from '../../core/inference/call.js';
import { type InferContext, OBSERVED } from '../../core/inference/context.js';
import { NO_PARAMETERS } from '../../core/inference/parameters.js';
import type { InferenceRequest } from '../../core/inference/request.js';
import type { InferenceResponse } from '../../core/inference/response.js';
import {
  type CallOptions,
  ModelClient,
  type ModelDescription,
  type ModelReference,
} from '../../core/model/model-client.js';
import type { Signature } from '../../core/model/signature.js';
import { shapeMatches } from '../../core/tensor/shape.js';
import { type NamedTensors, namedTensors, type Tensor } from '../../core/tensor/tensor.js';
import { ModelRegistry } from '../registry/model-registry.js';
import { InferencePipeline } from './inference-pipeline.js';

/** Calls models of this server through the pipeline. */
@Injectable()
export class LocalModelClient extends ModelClient {
  constructor(
    private readonly pipeline: InferencePipeline,
    private readonly registry: ModelRegistry,
  ) {
    super();
  }

  override async infer(
    model: string | ModelReference,
    inputs: object,
    context?: InferContext,
    { parameters = NO_PARAMETERS }: CallOptions = {},
  ): Promise<never> {
    const { name, version = '', signature } = referenceTo(model);
    const given = Object.assign(namedTensors(), inputs) as NamedTensors;
    const id = context?.id ?? '';
    const request = { model: name, version, id, parameters, inputs: given, outputs: [], shared: undefined };
    const response = await this.run(request, new InnerCall(context));
    const outputs = namedTensors();
    for (const output of response.outputs) outputs[output.name] = output.tensor;
    if (signature !== undefined) checkPromised(name, signature, outputs);
    return outputs as never;
  }

  private async run(request: InferenceRequest, call: InnerCall): Promise<InferenceResponse> {
    try {
      return await this.pipeline.run(request, call);
    } catch (thrown) {
      throw withoutField(thrown);
    }
  }

  override describe(model: string | ModelReference): ModelDescription | undefined {
    const { name, version = '' } = referenceTo(model);
    const loaded = this.registry
      .versionsOf(name)
      ?.findLast((known) => known.handle !== undefined && (version === '' || known.version === version))?.handle;
    if (loaded === undefined) return undefined;
    const { inputs, outputs, maxBatchSize, decoupled, dependsOn } = loaded;
    return { inputs, outputs, maxBatchSize, decoupled, dependsOn };
  }
}

/** Another request was made of this one: its parts are none of the caller's. */
function withoutField(thrown: unknown): unknown {
  if (!(thrown instanceof ServingError) || thrown.field === undefined) return thrown;
  const { code, message, reason, retryAfterMs, cause } = thrown;
  return new ServingError(code, message, {
    ...(reason === undefined ? {} : { reason }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(cause === undefined ? {} : { cause }),
  });
}

const referenceTo = (model: string | ModelReference): ModelReference =>
  typeof model === 'string' ? { name: model } : model;

/** The called model stops with its caller, and runs under the caller's name. */
class InnerCall implements InferenceCall {
  readonly requestId: string;
  readonly timings: CallTimings = { queueNs: 0, computeNs: 0, observed: undefined, execution: undefined };

  constructor(private readonly context: InferContext | undefined) {
    this.requestId = context?.id ?? randomUUID();
  }

  get signal(): AbortSignal {
    return this.context?.signal ?? new AbortController().signal;
  }

  get deadline(): number {
    return this.context?.deadline ?? Infinity;
  }

  get principal(): InferenceCall['principal'] {
    return this.context?.principal;
  }

  get outer(): InferenceCall['outer'] {
    return this.context?.[OBSERVED];
  }
}

/** The types that the caller was promised are those that came back. */
function checkPromised(model: string, { outputs }: Signature, result: Record<string, Tensor>): void {
  for (const { name, datatype, shape } of outputs) {
    const tensor = result[name];
    if (tensor?.datatype !== datatype || !shapeMatches(shape, tensor.shape)) {
      throw new ServingError(
        'failed-precondition',
        `model '${model}' gave ${tensor === undefined ? 'no' : `${tensor.datatype}[${tensor.shape.join(',')}] as`} output '${name}', the caller's signature expects ${datatype}[${shape.join(',')}]`,
      );
    }
  }
}

import { modelNotFound } from '../core/errors/catalogue.js';
import type { InferContext } from '../core/inference/context.js';
import {
  type CallOptions,
  ModelClient,
  type ModelDescription,
  type ModelReference,
} from '../core/model/model-client.js';
import type { Signature } from '../core/model/signature.js';
import type { NamedTensors } from '../core/tensor/tensor.js';

export interface FakeCall {
  readonly model: string;
  readonly version: string;
  readonly inputs: NamedTensors;
  readonly context: InferContext | undefined;
  readonly options: CallOptions | undefined;
}

interface FakeModel {
  readonly description: ModelDescription;
  readonly infer: (inputs: NamedTensors, context: InferContext | undefined) => NamedTensors | Promise<NamedTensors>;
}

/** Has the models that a test gives it, and keeps what they are asked. */
export class FakeModelClient extends ModelClient {
  readonly calls: FakeCall[] = [];
  private readonly models = new Map<string, FakeModel>();

  /** Adds a model, or replaces it; versions are told apart as `name/version`. */
  add(
    name: string,
    { inputs, outputs }: Signature,
    infer: FakeModel['infer'] = () => ({}),
    description: Partial<ModelDescription> = {},
  ): this {
    const defaults = { maxBatchSize: 0, decoupled: false, dependsOn: [] };
    this.models.set(name, { infer, description: { inputs, outputs, ...defaults, ...description } });
    return this;
  }

  override async infer(
    model: string | ModelReference,
    inputs: object,
    context?: InferContext,
    options?: CallOptions,
  ): Promise<never> {
    const { name, version = '' }: ModelReference = typeof model === 'string' ? { name: model } : model;
    this.calls.push({ model: name, version, inputs: inputs as NamedTensors, context, options });
    const found = this.find({ name, version });
    if (found === undefined) throw modelNotFound(name, version);
    return (await found.infer(inputs as NamedTensors, context)) as never;
  }

  override describe(model: string | ModelReference): ModelDescription | undefined {
    return this.find(typeof model === 'string' ? { name: model } : model)?.description;
  }

  private find({ name, version = '' }: ModelReference): FakeModel | undefined {
    return this.models.get(version === '' ? name : `${name}/${version}`);
  }
}

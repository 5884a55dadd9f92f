import type { Type } from '@nestjs/common';
import type { InferContext } from '../core/inference/context.js';
import { Model, type ModelIdentity } from '../core/model/model.decorator.js';
import type { ModelLifecycle } from '../core/model/provider.js';
import type { Inputs, Outputs, Signature } from '../core/model/signature.js';

/** A class behind `@Model`. */
export type ModelClass = Type<object>;

/**
 * Makes a model from a function, for tests that need one without a class.
 *
 * @example
 * const echo = defineModel('echo', echoSignature, ({ x }) => ({ y: x }));
 */
export function defineModel<S extends Signature>(
  identity: string | ModelIdentity,
  signature: S,
  infer: (inputs: Inputs<S>, context: InferContext) => Outputs<S> | Promise<Outputs<S>>,
  lifecycle: ModelLifecycle = {},
): ModelClass {
  class DefinedModel {
    readonly infer = infer;

    constructor() {
      Object.assign(this, lifecycle);
    }
  }
  // The function's type was checked above; the decorator cannot see through the generic signature.
  Model(identity, signature)(DefinedModel as never);
  return DefinedModel;
}

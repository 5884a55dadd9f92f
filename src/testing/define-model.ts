import type { Type } from '@nestjs/common';
import { Model, type ModelIdentity, type ModelOptions } from '../core/model/model.decorator.js';
import type { ContextOf, ModelLifecycle } from '../core/model/provider.js';
import type { Inputs, Outputs, Signature } from '../core/model/signature.js';

/** A class behind `@Model`. */
export type ModelClass = Type<object>;

/**
 * Makes a model from a function, for tests that need one without a class.
 *
 * @example
 * const echo = defineModel('echo', echoSignature, ({ x }) => ({ y: x }));
 */
export function defineModel<S extends Signature, O extends ModelOptions = object>(
  identity: string | ModelIdentity,
  signature: S,
  infer: (inputs: Inputs<S>, context: ContextOf<O>) => Outputs<S> | Promise<Outputs<S>>,
  lifecycle: ModelLifecycle = {},
  options?: O,
): ModelClass {
  class DefinedModel {
    readonly infer = infer;

    constructor() {
      Object.assign(this, lifecycle);
    }
  }
  // The function's type was checked above; the decorator cannot see through the generic signature.
  Model(identity, signature, options)(DefinedModel as never);
  return DefinedModel;
}

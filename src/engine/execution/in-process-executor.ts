import type { ServableModel } from '../../core/model/provider.js';
import type { ModelExecutor } from './model-executor.js';

/** Runs a model in the thread that serves: it shares the fate of the server, so it never fails alone. */
export class InProcessExecutor implements ModelExecutor {
  declare readonly infer?: NonNullable<ModelExecutor['infer']>;
  declare readonly stream?: NonNullable<ModelExecutor['stream']>;
  /** One instance takes any number of requests: those that wait for something give way to the others. */
  readonly free = Infinity;
  readonly outage = undefined;

  constructor(model: ServableModel) {
    if (model.infer !== undefined) this.infer = (inputs, context) => model.infer?.(inputs, context);
    if (model.stream !== undefined) this.stream = (inputs, context) => model.stream?.(inputs, context);
  }

  onChange(): void {}
}

import type { InferContext, RunContext } from '../../core/inference/context.js';
import type { ServableModel } from '../../core/model/provider.js';
import type { NamedTensors } from '../../core/tensor/tensor.js';
import type { ModelExecutor } from './model-executor.js';

/** Runs a model in the thread that serves: it shares the fate of the server, so it never fails alone. */
export class InProcessExecutor implements ModelExecutor {
  declare readonly infer?: NonNullable<ModelExecutor['infer']>;
  declare readonly stream?: NonNullable<ModelExecutor['stream']>;
  readonly outage = undefined;
  free: number;
  private readonly listeners: (() => void)[] = [];

  /** By default any number of requests run at a time: those that wait for something give way to the others. */
  constructor(
    private readonly model: ServableModel,
    instances = Infinity,
  ) {
    this.free = instances;
    if (model.infer !== undefined) this.infer = (inputs, context) => this.run(inputs, context);
    if (model.stream !== undefined) {
      this.stream = (inputs, context) =>
        instances === Infinity ? model.stream?.(inputs, context) : this.runStream(inputs, context);
    }
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  private run(inputs: NamedTensors, context: RunContext): unknown {
    const running: unknown = this.model.infer?.(inputs, context);
    if (this.free === Infinity || !(running instanceof Promise)) return running;
    this.free--;
    return running.finally(() => this.giveBack());
  }

  private async *runStream(inputs: NamedTensors, context: InferContext): AsyncGenerator<NamedTensors, void> {
    this.free--;
    try {
      const outputs = this.model.stream?.(inputs, context);
      if (outputs === undefined) throw new TypeError('stream returned nothing to iterate');
      yield* outputs;
    } finally {
      this.giveBack();
    }
  }

  private giveBack(): void {
    this.free++;
    for (const listener of this.listeners) listener();
  }
}

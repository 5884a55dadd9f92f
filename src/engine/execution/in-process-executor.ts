import type { InferContext, RunContext } from '../../core/inference/context.js';
import type { ServableModel } from '../../core/model/provider.js';
import type { Availability } from '../../core/runtime/model-runtime.js';
import type { NamedTensors } from '../../core/tensor/tensor.js';
import type { ModelExecutor } from './model-executor.js';

/** Runs a model in the thread that serves: it shares the fate of the server, so it never fails alone. */
export class InProcessExecutor implements ModelExecutor {
  declare readonly infer?: NonNullable<ModelExecutor['infer']>;
  declare readonly stream?: NonNullable<ModelExecutor['stream']>;
  private slots: number;
  private readonly listeners: (() => void)[] = [];

  /** By default any number of requests run at a time: those that wait for something give way to the others. */
  constructor(
    private readonly model: ServableModel,
    instances = Infinity,
    private readonly availability?: Availability,
  ) {
    this.slots = instances;
    availability?.onChange(() => this.changed());
    if (model.infer !== undefined) this.infer = (inputs, context) => this.run(inputs, context);
    if (model.stream !== undefined) {
      this.stream = (inputs, context) =>
        instances === Infinity ? model.stream?.(inputs, context) : this.runStream(inputs, context);
    }
  }

  get free(): number {
    return this.outage === undefined ? this.slots : 0;
  }

  get outage(): string | undefined {
    return this.availability?.outage;
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  private run(inputs: NamedTensors, context: RunContext): unknown {
    const running: unknown = this.model.infer?.(inputs, context);
    if (this.slots === Infinity || !(running instanceof Promise)) return running;
    this.slots--;
    return running.finally(() => this.giveBack());
  }

  private async *runStream(inputs: NamedTensors, context: InferContext): AsyncGenerator<NamedTensors, void> {
    this.slots--;
    try {
      const outputs = this.model.stream?.(inputs, context);
      if (outputs === undefined) throw new TypeError('stream returned nothing to iterate');
      yield* outputs;
    } finally {
      this.giveBack();
    }
  }

  private giveBack(): void {
    this.slots++;
    this.changed();
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }
}

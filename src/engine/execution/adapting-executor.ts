import type { CallTimings } from '../../core/inference/call.js';
import type { InferContext, RunContext } from '../../core/inference/context.js';
import type { NamedTensors } from '../../core/tensor/tensor.js';
import type { ModelExecutor } from './model-executor.js';
import { type TensorAdaptation, toModel, toWire } from './tensor-adaptation.js';

/** Stands before a model whose own tensors have other shapes than those on the wire, or that gives more outputs. */
export class AdaptingExecutor implements ModelExecutor {
  declare readonly infer?: NonNullable<ModelExecutor['infer']>;
  declare readonly stream?: NonNullable<ModelExecutor['stream']>;

  constructor(
    private readonly executor: ModelExecutor,
    private readonly adaptation: TensorAdaptation,
  ) {
    const { infer, stream } = executor;
    if (infer !== undefined) this.infer = (inputs, context, timings) => this.run(infer, inputs, context, timings);
    if (stream !== undefined) this.stream = (inputs, context) => this.runStream(stream, inputs, context);
  }

  get free(): number {
    return this.executor.free;
  }

  get outage(): string | undefined {
    return this.executor.outage;
  }

  onChange(listener: () => void): void {
    this.executor.onChange(listener);
  }

  private run(
    infer: NonNullable<ModelExecutor['infer']>,
    inputs: NamedTensors,
    context: RunContext,
    timings: CallTimings,
  ): unknown {
    const returned = infer(toModel(this.adaptation, inputs), context, timings);
    return returned instanceof Promise
      ? returned.then((outputs) => toWire(this.adaptation, outputs))
      : toWire(this.adaptation, returned);
  }

  private async *runStream(
    stream: NonNullable<ModelExecutor['stream']>,
    inputs: NamedTensors,
    context: InferContext,
  ): AsyncGenerator<NamedTensors, void> {
    const outputs = stream(toModel(this.adaptation, inputs), context);
    if (outputs === undefined) throw new TypeError('stream returned nothing to iterate');
    for await (const each of outputs) yield toWire(this.adaptation, each) as NamedTensors;
  }
}

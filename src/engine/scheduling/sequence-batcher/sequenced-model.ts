import type { CallTimings } from '../../../core/inference/call.js';
import type { RunContext, SequenceContext } from '../../../core/inference/context.js';
import type { NamedSpec } from '../../../core/model/signature.js';
import type { NamedTensors } from '../../../core/tensor/tensor.js';
import type { ModelExecutor } from '../../execution/model-executor.js';
import { RunnableModel } from '../../execution/runnable-model.js';

/** A model as the requests of sequences run on it: with the outputs that callers do not see. */
export class SequencedModel extends RunnableModel {
  private readonly runs: SequencedExecutor;

  constructor(
    private readonly served: RunnableModel,
    states: readonly NamedSpec[],
  ) {
    const { name, version, inputs, outputs, outputNames, model } = served;
    const hidden = states.filter((spec) => !outputNames.has(spec.name));
    const executor = new SequencedExecutor(served.executor);
    super(name, version, { inputs, outputs: [...outputs, ...hidden], model, executor });
    this.runs = executor;
  }

  override abandon(run: Promise<unknown>): void {
    this.served.abandon(run);
  }

  /** Resolves when the run of a request has ended, if it has begun: its caller may be gone before. */
  async ended(turn: SequenceContext): Promise<void> {
    await this.runs.ended(turn);
  }
}

/** Remembers what runs for whom. */
class SequencedExecutor implements ModelExecutor {
  private readonly runs = new WeakMap<SequenceContext, Promise<unknown>>();

  constructor(private readonly executor: ModelExecutor) {}

  get free(): number {
    return this.executor.free;
  }

  get outage(): string | undefined {
    return this.executor.outage;
  }

  onChange(listener: () => void): void {
    this.executor.onChange(listener);
  }

  readonly infer = (inputs: NamedTensors, context: RunContext, timings: CallTimings): unknown => {
    const returned = this.executor.infer?.(inputs, context, timings);
    if (typeof (returned as PromiseLike<unknown> | null | undefined)?.then !== 'function') return returned;
    const running = Promise.resolve(returned);
    for (const { sequence } of 'requests' in context ? context.requests : [context]) {
      if (sequence !== undefined) this.runs.set(sequence, running);
    }
    return running;
  };

  async ended(turn: SequenceContext): Promise<void> {
    await this.runs.get(turn)?.catch(() => undefined);
  }
}

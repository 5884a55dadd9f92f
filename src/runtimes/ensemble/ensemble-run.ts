import { setMaxListeners } from 'node:events';
import { ServingError } from '../../core/errors/serving-error.js';
import { type InferContext, OBSERVED } from '../../core/inference/context.js';
import type { ModelClient } from '../../core/model/model-client.js';
import { type NamedTensors, namedTensors, type Tensor } from '../../core/tensor/tensor.js';
import type { Ensemble, EnsembleStep } from './ensemble.js';
import type { StepGraph, StepWalk } from './step-graph.js';

/** One request on its way through the steps. */
export class EnsembleRun {
  private readonly tensors = namedTensors();
  private readonly walk: StepWalk;
  /** Aborts with what the caller of the ensemble is told, at the first step that fails. */
  private readonly failure = new AbortController();
  private readonly context: InferContext;

  constructor(
    private readonly ensemble: Ensemble,
    graph: StepGraph,
    private readonly models: ModelClient,
    private readonly caller: InferContext,
  ) {
    this.walk = graph.walk();
    const { id, deadline, parameters, principal, [OBSERVED]: observed } = caller;
    const signal = AbortSignal.any([caller.signal, this.failure.signal]);
    // Every step that runs listens, and any number of them run side by side.
    setMaxListeners(0, signal);
    const response = { parameters: new Map() };
    this.context = { id, signal, deadline, parameters, principal, response, [OBSERVED]: observed };
  }

  /** Runs every step as soon as its inputs are there. Rejects with the error of the first step that fails. */
  async run(inputs: NamedTensors): Promise<NamedTensors> {
    Object.assign(this.tensors, inputs);
    try {
      await this.runAll(this.walk.first());
    } catch {
      throw this.failure.signal.reason;
    }
    return this.pick(this.ensemble.outputs.map(({ name }) => ({ own: name, tensor: name })));
  }

  private async runAll(steps: readonly EnsembleStep[]): Promise<void> {
    await Promise.all(steps.map((step) => this.runStep(step)));
  }

  private async runStep(step: EnsembleStep): Promise<void> {
    try {
      const { parameters } = this.caller;
      this.take(step, await this.models.infer(step.model, this.pick(step.inputs), this.context, { parameters }));
    } catch (thrown) {
      this.failure.abort(this.caller.signal.aborted ? this.caller.signal.reason : this.explain(step, thrown));
    }
    this.failure.signal.throwIfAborted();
    await this.runAll(this.walk.done(step));
  }

  /** What a caller left out is left out here too. */
  private pick(mappings: EnsembleStep['inputs']): NamedTensors {
    const picked = namedTensors();
    for (const { own, tensor } of mappings) {
      const value = this.tensors[tensor];
      if (value !== undefined) picked[own] = value;
    }
    return picked;
  }

  private take({ model, outputs }: EnsembleStep, given: Readonly<Record<string, Tensor>>): void {
    for (const { own, tensor } of outputs) {
      const value = given[own];
      // The model may have been replaced since the ensemble was loaded.
      if (value === undefined)
        throw new ServingError('failed-precondition', `model '${model.name}' gave no output '${own}'`);
      this.tensors[tensor] = value;
    }
  }

  private explain({ title }: EnsembleStep, thrown: unknown): Error {
    const place = `in ensemble '${this.ensemble.name}', ${title}`;
    if (!(thrown instanceof ServingError)) return new Error(`${place} failed`, { cause: thrown });
    const { code, message, retryAfterMs, cause = thrown } = thrown;
    return new ServingError(code, `${place}: ${message}`, {
      // What the log is to tell is where it began.
      cause,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }
}

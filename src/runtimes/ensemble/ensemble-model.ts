import type { InferContext, RunContext } from '../../core/inference/context.js';
import type { ModelClient } from '../../core/model/model-client.js';
import type { ServableModel } from '../../core/model/provider.js';
import type { NamedTensors } from '../../core/tensor/tensor.js';
import type { Ensemble } from './ensemble.js';
import { EnsembleRun } from './ensemble-run.js';
import { StepGraph } from './step-graph.js';

/** An ensemble as a model: each request runs through the steps by itself, what batches are the models of the steps. */
export class EnsembleModel implements ServableModel {
  private readonly graph: StepGraph;

  constructor(
    private readonly ensemble: Ensemble,
    private readonly models: ModelClient,
  ) {
    this.graph = new StepGraph(ensemble.steps);
  }

  infer(inputs: NamedTensors, context: RunContext): Promise<NamedTensors> {
    return new EnsembleRun(this.ensemble, this.graph, this.models, context as InferContext).run(inputs);
  }
}

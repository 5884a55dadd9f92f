import { Injectable } from '@nestjs/common';
import { ModelClient } from '../../core/model/model-client.js';
import type { LoadedModel, ModelArtifact, ModelRuntime } from '../../core/runtime/model-runtime.js';
import { Runtime } from '../../core/runtime/runtime.decorator.js';
import { checkComposition } from './check-composition.js';
import { checkGraph } from './check-graph.js';
import { ensembleOf } from './ensemble.js';
import { EnsembleModel } from './ensemble-model.js';

/**
 * Serves ensembles: what `ensemble_scheduling` of a configuration describes. There is no file to open, the configuration
 * is all. The models of the steps are loaded before.
 */
@Injectable()
@Runtime({ platform: 'ensemble', backend: 'ensemble', artifact: '' })
export class EnsembleRuntime implements ModelRuntime {
  constructor(private readonly models: ModelClient) {}

  async load({ name, config }: ModelArtifact): Promise<LoadedModel> {
    const ensemble = ensembleOf(name, config);
    checkGraph(ensemble);
    checkComposition(ensemble, this.models);
    const { inputs, outputs, steps } = ensemble;
    const dependsOn = [...new Set(steps.map(({ model }) => model.name))];
    return { inputs, outputs, dependsOn, model: new EnsembleModel(ensemble, this.models) };
  }
}

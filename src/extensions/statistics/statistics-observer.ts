import { Injectable } from '@nestjs/common';
import {
  type Execution,
  InferenceObserver,
  type ObservedInference,
  type ObservedResponse,
} from '../../core/inference/inference-observer.js';
import type { ServedModel } from '../../core/inference/served-model.js';
import { ModelStatistics } from './model-statistics.js';

/** Counts what each loaded model serves; the counts go with it. */
@Injectable()
export class StatisticsObserver extends InferenceObserver {
  private readonly models = new WeakMap<ServedModel, ModelStatistics>();

  of(model: ServedModel): ModelStatistics {
    let statistics = this.models.get(model);
    if (statistics === undefined) this.models.set(model, (statistics = new ModelStatistics()));
    return statistics;
  }

  executed(execution: Execution): void {
    this.of(execution.model).executed(execution);
  }

  responded(response: ObservedResponse): void {
    this.of(response.inference.model).responded(response);
  }

  finished(inference: ObservedInference): void {
    this.of(inference.model).finished(inference);
  }
}

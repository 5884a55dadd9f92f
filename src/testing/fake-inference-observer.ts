import {
  type Execution,
  InferenceObserver,
  type ObservedInference,
  type ObservedResponse,
} from '../core/inference/inference-observer.js';

/** Keeps what it is told. */
export class FakeInferenceObserver extends InferenceObserver {
  readonly executions: Execution[] = [];
  readonly responses: ObservedResponse[] = [];
  readonly inferences: ObservedInference[] = [];

  executed(execution: Execution): void {
    this.executions.push(execution);
  }

  responded(response: ObservedResponse): void {
    this.responses.push(response);
  }

  finished(inference: ObservedInference): void {
    this.inferences.push(inference);
  }
}

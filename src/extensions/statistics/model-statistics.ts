import type { Execution, ObservedInference, ObservedResponse } from '../../core/inference/inference-observer.js';
import { StatisticDuration } from './statistic-duration.js';

const NS_PER_MS = 1e6;

/** What one loaded version has served; a model that is loaded anew starts at nothing. */
export class ModelStatistics {
  /** By `performance.now()`; 0: none yet. */
  lastInference = 0;
  inferenceCount = 0;
  executionCount = 0;
  readonly success = new StatisticDuration();
  readonly fail = new StatisticDuration();
  readonly queue = new StatisticDuration();
  readonly cacheHit = new StatisticDuration();
  readonly cacheMiss = new StatisticDuration();
  readonly compute = new ComputeStatistics();
  /** By rows of a run. */
  readonly batches = new Map<number, ComputeStatistics>();
  /** By position among the responses to a request. */
  readonly responses: ResponseStatistics[] = [];

  /** A run that failed answers nobody. */
  executed(execution: Execution): void {
    if (execution.failure !== undefined) return;
    this.executionCount++;
    let batch = this.batches.get(execution.rows);
    if (batch === undefined) this.batches.set(execution.rows, (batch = new ComputeStatistics()));
    batch.add(execution);
  }

  responded({ index, outcome, start, outputStart, end }: ObservedResponse): void {
    while (this.responses.length <= index) this.responses.push(new ResponseStatistics());
    this.responses[index]?.[outcome](start, outputStart, end);
  }

  /** What was refused before it reached the model's queue is no failure of the model. */
  finished(inference: ObservedInference): void {
    const { failure, start, end, queueStart, cache, cacheMs, execution } = inference;
    if (failure !== undefined && queueStart === 0) return;
    this.lastInference = end;
    const ns = (end - start) * NS_PER_MS;
    if (failure !== undefined) return this.fail.add(ns);
    this.success.add(ns);
    if (cache !== undefined) (cache === 'hit' ? this.cacheHit : this.cacheMiss).add(cacheMs * NS_PER_MS);
    if (execution === undefined) return this.queue.add(0);
    this.queue.add((execution.start - queueStart) * NS_PER_MS);
    this.inferenceCount += inference.rows;
    this.compute.add(execution);
  }
}

/** The parts of runs. */
export class ComputeStatistics {
  readonly input = new StatisticDuration();
  readonly infer = new StatisticDuration();
  readonly output = new StatisticDuration();

  add({ start, inputEnd, outputStart, end }: Execution): void {
    this.input.add((inputEnd - start) * NS_PER_MS);
    this.infer.add((outputStart - inputEnd) * NS_PER_MS);
    this.output.add((end - outputStart) * NS_PER_MS);
  }
}

/** The responses of a decoupled model at one position. */
export class ResponseStatistics {
  readonly computeInfer = new StatisticDuration();
  readonly computeOutput = new StatisticDuration();
  readonly success = new StatisticDuration();
  readonly fail = new StatisticDuration();
  readonly emptyResponse = new StatisticDuration();
  readonly cancel = new StatisticDuration();

  made(start: number, outputStart: number, end: number): void {
    this.computeInfer.add((outputStart - start) * NS_PER_MS);
    this.computeOutput.add((end - outputStart) * NS_PER_MS);
    this.success.add((end - start) * NS_PER_MS);
  }

  end(start: number, _: number, end: number): void {
    this.emptyResponse.add((end - start) * NS_PER_MS);
  }

  failed(start: number, _: number, end: number): void {
    this.fail.add((end - start) * NS_PER_MS);
  }

  cancelled(start: number, _: number, end: number): void {
    this.cancel.add((end - start) * NS_PER_MS);
  }
}

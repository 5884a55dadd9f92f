import { fp32, type NamedTensors } from '#core';
import type { RunContext } from '../../src/core/inference/context.js';
import type { ModelExecutor } from '../../src/engine/execution/model-executor.js';
import { Deferred } from '../../src/testing/deferred.js';

export interface FakeRun {
  readonly inputs: NamedTensors;
  readonly context: RunContext;
  /** Ends the run with these outputs. Default: one number, the index of the run. */
  finish(outputs?: NamedTensors): void;
  fail(error: Error): void;
}

/** Some instances of a model, whose runs end when the test says so. */
export class FakeExecutor implements ModelExecutor {
  readonly runs: FakeRun[] = [];
  outage: string | undefined;
  free: number;
  private readonly listeners = new Set<() => void>();

  constructor(instances = 1) {
    this.free = instances;
  }

  onChange(listener: () => void): void {
    this.listeners.add(listener);
  }

  /** Takes the model out of order, or puts it in order again. */
  breakDown(outage: string | undefined): void {
    this.outage = outage;
    this.changed();
  }

  readonly infer = (inputs: NamedTensors, context: RunContext): Promise<NamedTensors> => {
    if (this.free === 0) throw new Error('no instance is free');
    this.free--;
    const result = new Deferred<NamedTensors>();
    const index = this.runs.length;
    const end = (settle: () => void): void => {
      this.free++;
      settle();
      this.changed();
    };
    this.runs.push({
      inputs,
      context,
      finish: (outputs = { y: fp32.of([1], [index]) }) => end(() => result.resolve(outputs)),
      fail: (error) => end(() => result.reject(error)),
    });
    return result.promise;
  };

  private changed(): void {
    for (const listener of this.listeners) listener();
  }
}

import type { EnsembleStep } from './ensemble.js';

/** Which steps wait for which tensors of other steps; what the caller sends is there from the start. */
export class StepGraph {
  private readonly readers = new Map<string, EnsembleStep[]>();
  private readonly waitsFor = new Map<EnsembleStep, number>();

  constructor(readonly steps: readonly EnsembleStep[]) {
    const written = new Set(steps.flatMap(({ outputs }) => outputs.map(({ tensor }) => tensor)));
    for (const step of steps) {
      const tensors = new Set(step.inputs.map(({ tensor }) => tensor).filter((tensor) => written.has(tensor)));
      this.waitsFor.set(step, tensors.size);
      for (const tensor of tensors) this.readers.set(tensor, [...(this.readers.get(tensor) ?? []), step]);
    }
  }

  /** A walk through the steps, each of which comes up as soon as the last tensor that it waits for is written. */
  walk(): StepWalk {
    return new StepWalk(this.readers, new Map(this.waitsFor));
  }

  /** The steps that would wait for ever. */
  stuck(): EnsembleStep[] {
    const walk = this.walk();
    const reached = new Set(walk.first());
    // A set that is walked also gives what is added on the way.
    for (const step of reached) for (const next of walk.done(step)) reached.add(next);
    return this.steps.filter((step) => !reached.has(step));
  }
}

export class StepWalk {
  constructor(
    private readonly readers: ReadonlyMap<string, readonly EnsembleStep[]>,
    private readonly waitsFor: Map<EnsembleStep, number>,
  ) {}

  first(): EnsembleStep[] {
    return [...this.waitsFor].flatMap(([step, count]) => (count === 0 ? [step] : []));
  }

  /** The steps that were waiting for nothing but this one. */
  done({ outputs }: EnsembleStep): EnsembleStep[] {
    return outputs.flatMap(({ tensor }) =>
      (this.readers.get(tensor) ?? []).filter((reader) => {
        const left = (this.waitsFor.get(reader) ?? 0) - 1;
        this.waitsFor.set(reader, left);
        return left === 0;
      }),
    );
  }
}

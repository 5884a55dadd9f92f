import { fp32, type InferContext, type Inputs, Model, signature } from '#core';

const mean = signature({ inputs: { value: fp32(1) }, outputs: { mean: fp32(1) } });

interface Seen {
  readonly count: number;
  readonly sum: number;
}

/** The mean of all values of a sequence so far. */
@Model('mean', mean, { sequence: { idleMs: 60_000 } })
export class MeanModel {
  infer({ value }: Inputs<typeof mean>, { sequence }: InferContext) {
    const before = (sequence?.state.get('seen') as Seen | undefined) ?? { count: 0, sum: 0 };
    const seen: Seen = { count: before.count + 1, sum: before.sum + (value.data[0] ?? 0) };
    sequence?.state.set('seen', seen);
    return { mean: fp32.of([1], [seen.sum / seen.count]) };
  }
}

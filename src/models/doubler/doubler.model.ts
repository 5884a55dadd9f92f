import { fp32, type Inputs, Model, signature } from '#core';

const doubler = signature({ inputs: { x: fp32(-1) }, outputs: { y: fp32(-1) } });

/** A first model, for reading: any number of values in, each twice as large out. */
@Model('doubler', doubler)
export class DoublerModel {
  infer({ x }: Inputs<typeof doubler>) {
    return { y: x.map((value) => value * 2) };
  }
}

import { fp32, type Inputs, Model, signature } from '#core';

const inches = signature({ inputs: { inches: fp32(-1, 4) }, outputs: { centimetres: fp32(-1, 4) } });

const CENTIMETRES = 2.54;

/** What the step before the classifier does: measures of flowers, in the unit that it was trained on. */
@Model('inches', inches)
export class InchesModel {
  infer({ inches: measures }: Inputs<typeof inches>) {
    return { centimetres: measures.map((value) => value * CENTIMETRES) };
  }
}

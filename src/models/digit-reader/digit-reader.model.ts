import { bytes, fp32, type InferContext, type Inputs, int64, Model, ModelClient, ServingError, signature } from '#core';
import { areaMean } from './area-mean.js';

const digitReader = signature({
  /** Grey images, batch x height x width: 0 is paper, 255 is ink. */
  inputs: { images: fp32(-1, -1, -1) },
  outputs: { label: bytes(-1), probabilities: fp32(-1, 10) },
});

/** The ONNX model behind this one: 8 x 8 images, 0 to 16 as in its training data. */
const digits = signature({
  inputs: { input: fp32(-1, 1, 8, 8) },
  outputs: { probabilities: fp32(-1, 10), label: int64(-1) },
});

const SIDE = 8;
const PIXELS = SIDE * SIDE;
const BRIGHTEST = 255;
const TRAINED_BRIGHTEST = 16;

/** As many images may a request have: a tiny image grows when it is prepared. */
const MAX_IMAGES = 1_024;

/** Reads handwritten digits from images of any size: prepares them in TypeScript, then asks the model `digits`. */
@Model('digit-reader', digitReader)
export class DigitReaderModel {
  constructor(private readonly models: ModelClient) {}

  async infer({ images }: Inputs<typeof digitReader>, context: InferContext) {
    const [batch = 0, height = 0, width = 0] = images.shape;
    if (height === 0 || width === 0) throw refusal(`${height} x ${width} images have no pixels`);
    if (batch > MAX_IMAGES) throw refusal(`${batch} images are more than the ${MAX_IMAGES} that a request may have`);
    if (batch === 0) return { label: bytes.of([0], []), probabilities: fp32.of([0, 10], []) };
    const input = fp32.of([batch, 1, SIDE, SIDE], prepare(images.data, batch, height, width));
    const { label, probabilities } = await this.models.infer({ name: 'digits', signature: digits }, { input }, context);
    return { label: bytes.of([batch], Array.from(label.data, String)), probabilities };
  }
}

const refusal = (problem: string): ServingError => new ServingError('invalid-argument', `input 'images': ${problem}`);

/** The images in the size and the scale that the model was trained on. */
function prepare(images: Float32Array, batch: number, height: number, width: number): Float32Array {
  const prepared = new Float32Array(batch * PIXELS);
  for (let index = 0; index < batch; index++) {
    const image = images.subarray(index * height * width, (index + 1) * height * width);
    prepared.set(areaMean(image, height, width, SIDE, SIDE), index * PIXELS);
  }
  for (let index = 0; index < prepared.length; index++) {
    prepared[index] = ((prepared[index] ?? 0) / BRIGHTEST) * TRAINED_BRIGHTEST;
  }
  return prepared;
}

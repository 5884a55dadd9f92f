import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytes, fp32, int64, type ModelClient, type NamedTensors, ServingError } from '#core';
import { serve, type TestServer } from '#testing';
import { DigitReaderModel } from './digit-reader.model.js';

const ROOT = join(import.meta.dirname, '../../..');

/** The images that training never saw, with what the model makes of them. */
const holdOut = JSON.parse(readFileSync(join(ROOT, 'test/fixtures/digits.holdout.json'), 'utf8')) as {
  readonly x: readonly number[];
  readonly pred: readonly number[];
};
const labels = holdOut.pred.map(String);
const count = labels.length;

/**
 * The hold-out images stretched to `side` x `side`, as grey from 0 to 255. Each pixel is the mean of four samples,
 * which is exact where twice the side is a multiple of 8.
 */
function stretched(side: number): Float32Array {
  const source = (at: number, half: number): number => Math.floor(((2 * at + half) * 8) / (2 * side));
  return Float32Array.from({ length: count * side * side }, (_, index) => {
    const [image, row, column] = [Math.floor(index / (side * side)), Math.floor(index / side) % side, index % side];
    const samples = [0, 1, 2, 3].map((sample) => {
      const pixel = source(row, sample >> 1) * 8 + source(column, sample & 1);
      return holdOut.x[image * 64 + pixel] ?? 0;
    });
    return (samples.reduce((sum, value) => sum + value, 0) / 4 / 16) * 255;
  });
}

describe('on the server', () => {
  let server: TestServer;

  beforeAll(async () => {
    const environment = { MODEL_REPOSITORY: join(ROOT, 'model-repository'), LOAD_MODELS: 'digits,digit-reader' };
    server = await serve(DigitReaderModel, { environment });
  });

  afterAll(() => server.close());

  async function read(side: number): Promise<string[]> {
    const { label } = await server.models.infer('digit-reader', {
      images: fp32.of([count, side, side], stretched(side)),
    });
    return Array.from(label?.data ?? [], String);
  }

  it.each([8, 16, 24])('reads images of a side of %i as the model reads those of 8 x 8', async (side) => {
    expect(await read(side)).toEqual(labels);
  });

  it('reads images of 28 x 28 so, but for one: where pixels do not fall on pixels, neighbours mix', async () => {
    const same = (await read(28)).filter((label, index) => label === labels[index]);
    expect([same.length, count]).toEqual([539, 540]);
  });

  it('gives the probabilities of the model', async () => {
    const x = Float32Array.from(holdOut.x);
    const direct = await server.models.infer('digits', { input: fp32.of([count, 1, 8, 8], x) });
    const outputs = await server.models.infer('digit-reader', { images: fp32.of([count, 8, 8], stretched(8)) });
    const [expected, given] = [direct, outputs].map(({ probabilities }) => probabilities?.data as Float32Array);
    expect(given).toHaveLength(count * 10);
    for (const [index, probability] of (given ?? []).entries()) {
      expect(probability).toBeCloseTo(expected?.[index] ?? Number.NaN, 4);
    }
  });

  it('answers over both wires', async () => {
    const images = [Array.from({ length: 8 }, (_, row) => Array.from(stretched(8).slice(row * 8, row * 8 + 8)))];
    const label = [labels[0]];
    expect(await server.rest.infer('digit-reader', { images })).toMatchObject({ label });
    expect(await server.grpc.infer('digit-reader', { images })).toMatchObject({ label });
  });
});

describe('by itself', () => {
  /** Answers for the model `digits`, and keeps what it was asked. */
  class FakeDigits implements ModelClient {
    readonly asked: { readonly model: unknown; readonly inputs: NamedTensors; readonly context: unknown }[] = [];

    async infer(model: unknown, inputs: unknown, context?: unknown): Promise<never> {
      this.asked.push({ model, inputs: inputs as NamedTensors, context });
      const batch = (inputs as NamedTensors)['input']?.shape[0] ?? 0;
      return {
        label: int64.of(
          [batch],
          Array.from({ length: batch }, () => 7),
        ),
        probabilities: fp32.of([batch, 10], new Float32Array(batch * 10)),
      } as never;
    }

    describe(): undefined {
      return undefined;
    }
  }

  const context = { id: 'i-1' } as never;

  it('hands the model images of its own size and scale, and its context', async () => {
    const digits = new FakeDigits();
    const images = fp32.of([2, 16, 8], new Float32Array(2 * 16 * 8).fill(255));
    const { label, probabilities } = await new DigitReaderModel(digits).infer({ images }, context);
    expect(digits.asked).toHaveLength(1);
    expect(digits.asked[0]?.model).toMatchObject({ name: 'digits' });
    expect(digits.asked[0]?.context).toBe(context);
    expect(digits.asked[0]?.inputs['input']).toEqual(fp32.of([2, 1, 8, 8], new Float32Array(128).fill(16)));
    expect(label).toEqual(bytes.of([2], ['7', '7']));
    expect(probabilities.shape).toEqual([2, 10]);
  });

  it.each([[[0, 8, 8]], [[0, 2 ** 40, 2 ** 40]]])('answers none at all, of shape %j, by itself', async (shape) => {
    const digits = new FakeDigits();
    const answer = await new DigitReaderModel(digits).infer({ images: fp32.of(shape, []) }, context);
    expect(answer).toEqual({ label: bytes.of([0], []), probabilities: fp32.of([0, 10], []) });
    expect(digits.asked).toEqual([]);
  });

  it('takes 1024 images, and not one more', async () => {
    const digits = new FakeDigits();
    const read = (count: number) =>
      new DigitReaderModel(digits).infer({ images: fp32.of([count, 1, 1], new Float32Array(count)) }, context);
    expect((await read(1_024)).probabilities.shape).toEqual([1_024, 10]);
    await expect(read(1_025)).rejects.toMatchObject({
      code: 'invalid-argument',
      message: "input 'images': 1025 images are more than the 1024 that a request may have",
    });
    expect(digits.asked).toHaveLength(1);
  });

  it.each([[[1, 0, 8]], [[1, 8, 0]]])('refuses images of shape %j', async (shape) => {
    const reading = new DigitReaderModel(new FakeDigits()).infer({ images: fp32.of(shape, []) }, context);
    await expect(reading).rejects.toThrow(ServingError);
    await expect(reading).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining('have no pixels'),
    });
  });
});

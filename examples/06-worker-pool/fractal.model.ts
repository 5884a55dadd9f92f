import { fp64, type InferContext, type Inputs, int32, Model, signature, workerThreads } from '#core';

const fractal = signature({
  /** The corners of the picture on the plane, left and top, right and bottom; its width and height in points. */
  inputs: { corners: fp64(4), size: int32(2) },
  outputs: { iterations: int32(-1, -1) },
});

const MAX_ITERATIONS = 1_000;

/** After how many iterations each point of the Mandelbrot set's neighbourhood escapes. */
@Model('fractal', fractal, { execution: workerThreads({ module: import.meta.url, size: 4 }) })
export class FractalModel {
  infer({ corners, size }: Inputs<typeof fractal>, { signal }: Pick<InferContext, 'signal'>) {
    const [left = 0, top = 0, right = 0, bottom = 0] = corners.data;
    const [width = 0, height = 0] = size.data;
    const iterations = new Int32Array(width * height);
    for (let row = 0; row < height; row++) {
      signal.throwIfAborted();
      const y = top + ((bottom - top) * row) / height;
      for (let column = 0; column < width; column++) {
        iterations[row * width + column] = escape(left + ((right - left) * column) / width, y);
      }
    }
    return { iterations: int32.of([height, width], iterations) };
  }
}

function escape(x: number, y: number): number {
  let [re, im] = [0, 0];
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    if (re * re + im * im > 4) return iteration;
    [re, im] = [re * re - im * im + x, 2 * re * im + y];
  }
  return MAX_ITERATIONS;
}

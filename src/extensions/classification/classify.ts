import { setImmediate } from 'node:timers/promises';
import { invalidArgument } from '../../core/errors/catalogue.js';
import type { OutputTensor } from '../../core/inference/response.js';
import type { Shape } from '../../core/tensor/shape.js';
import { Tensor } from '../../core/tensor/tensor.js';
import { classText } from './class-text.js';
import { descending, type Values } from './descending.js';

/** The largest output that is classified. */
const MAX_ELEMENTS = 1_000_000;

/** After so many texts the event loop has its turn. */
const TEXTS_IN_A_TURN = 2_000;

export interface ClassificationOptions {
  /** Of each row; an output that has fewer values gives those. */
  readonly count: number;
  /** The names of the classes, where the model has them. */
  readonly labels: readonly string[] | undefined;
  /** Whether the first dimension counts rows, each with classes of its own. */
  readonly hasBatchDimension: boolean;
  /** Whose caller may go meanwhile. */
  readonly call: { readonly signal: AbortSignal };
}

const elementsOf = (shape: Shape): number => shape.reduce((product, dimension) => product * dimension, 1);

/**
 * The largest values of an output, or of each of its rows, as BYTES: `value:index` or `value:index:label`, the largest
 * first. Throws `invalid-argument` for an output that is too large.
 */
export async function classify({ name, tensor }: OutputTensor, options: ClassificationOptions): Promise<Tensor> {
  const { count, labels, hasBatchDimension, call } = options;
  const { datatype, shape } = tensor;
  const data = tensor.data as Values;
  if (data.length > MAX_ELEMENTS) {
    throw invalidArgument(
      `classification output tensor too large: output '${name}' has ${data.length} elements, at most ${MAX_ELEMENTS} can be classified`,
    );
  }
  const rows = hasBatchDimension ? (shape[0] ?? 1) : 1;
  const width = elementsOf(hasBatchDimension ? shape.slice(1) : shape);
  const classes = Math.min(count, width);
  const texts: Buffer[] = [];
  for (let row = 0; row < rows; row++) {
    const values = data.subarray(row * width, (row + 1) * width);
    for (const index of descending(values, classes)) {
      texts.push(Buffer.from(classText(datatype, values[index] ?? 0, index, labels?.[index]), 'utf8'));
      if (texts.length % TEXTS_IN_A_TURN > 0) continue;
      await setImmediate();
      call.signal.throwIfAborted();
    }
  }
  return new Tensor('BYTES', hasBatchDimension ? [rows, classes] : [classes], texts);
}

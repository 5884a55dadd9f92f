import type { ModelConfig } from '../../../../core/model/model-config.js';

/** The largest batch; none where that is still to be completed, as it may be where nothing says a shape. */
export const batchLimit = ({ max_batch_size, input, output }: ModelConfig): number =>
  max_batch_size === 0 && [...input, ...output].every(({ dims }) => dims.length === 0) ? Infinity : max_batch_size;

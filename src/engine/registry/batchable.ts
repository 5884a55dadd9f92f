import type { ModelMetadata } from '../../core/model/model.decorator.js';
import { formatShape } from '../../core/tensor/shape.js';
import type { Discovered } from './provider-discovery.js';

/** Ends the start for a model whose requests could not be merged, or taken apart again. */
export function assertBatchable({ metadata, instance, className }: Discovered<ModelMetadata>): void {
  const { name, batching, signature } = metadata;
  if (batching === undefined) return;
  const refuse = (problem: string): never => {
    throw new Error(`${className} is behind @Model('${name}') with batching, ${problem}`);
  };
  if (typeof (instance as { infer?: unknown }).infer !== 'function') {
    refuse('but streams: drop the batching, or write infer');
  }
  const { maxSize, preferredSizes = [], maxDelayMs = 0 } = batching;
  if (!Number.isSafeInteger(maxSize) || maxSize < 1) refuse(`whose maxSize ${maxSize} is no integer above 0`);
  const wrongSize = preferredSizes.find((size) => !Number.isSafeInteger(size) || size < 1 || size > maxSize);
  if (wrongSize !== undefined) refuse(`whose preferred size ${wrongSize} is no integer from 1 to ${maxSize}`);
  if (!(maxDelayMs >= 0)) refuse(`whose maxDelayMs ${maxDelayMs} is no time`);
  if (signature.inputs.length === 0) refuse('but has no inputs that could be merged');
  for (const { name: tensor, shape } of [...signature.inputs, ...signature.outputs]) {
    if (shape[0] === -1) continue;
    refuse(`but '${tensor}' has the shape ${formatShape(shape)}: the first dimension is the batch, write it as -1`);
  }
}

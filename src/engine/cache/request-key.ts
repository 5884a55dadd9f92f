import { createHash } from 'node:crypto';
import type { ParameterValue, Parameters } from '../../core/inference/parameters.js';
import type { InferenceRequest } from '../../core/inference/request.js';
import { encodeRaw } from '../../core/tensor/raw.js';

/** What decides how a request waits says nothing of its answer. */
const OF_THE_QUEUE = new Set(['priority', 'timeout']);

/**
 * The same for two requests exactly where a model must answer them alike: all of their inputs, parameters and requested
 * outputs, in any order. The id is not part of it, nor who asks.
 */
export function requestKey({ inputs, parameters, outputs }: InferenceRequest): string {
  const tensors = Object.keys(inputs)
    .sort()
    .flatMap((name) => {
      const tensor = inputs[name];
      return tensor === undefined ? [] : [{ name, tensor, raw: encodeRaw(tensor) }];
    });
  // Datatypes and shapes stand before the contents: they tell how far those of each tensor reach.
  const head = JSON.stringify([
    tensors.map(({ name, tensor: { datatype, shape } }) => [name, datatype, shape]),
    told(parameters).filter(([name]) => !OF_THE_QUEUE.has(name)),
    outputs.map((output) => [output.name, told(output.parameters)] as const).sort(byName),
  ]);
  const hash = createHash('sha256').update(head, 'utf8');
  for (const { raw } of tensors) hash.update(raw);
  return hash.digest('base64');
}

/** Parameters in an order of their own, with what tells `1` from `'1'`. */
const told = (parameters: Parameters): (readonly [name: string, type: string, value: string])[] =>
  [...parameters].map(([name, value]) => [name, typeof value, textOf(value)] as const).sort(byName);

const textOf = (value: ParameterValue): string => (Object.is(value, -0) ? '-0' : String(value));

const byName = ([a]: readonly [string, ...unknown[]], [b]: readonly [string, ...unknown[]]): number =>
  a < b ? -1 : Number(a > b);

import type { InferenceResponse } from '../../core/inference/response.js';
import { encodeJsonData, type NonFinite } from '../../core/tensor/json-data.js';
import type { Tensor } from '../../core/tensor/tensor.js';
import { encodeParameter } from '../../protocol/rest/codec/encode.js';
import type { ReplyWriter } from '../../protocol/rest/codec/reply-writer.js';

/** Large replies are written in a thread, by this module's {@link writeReply}. */
export const generated = { module: import.meta.url, writeReply } satisfies ReplyWriter;

/**
 * Writes a response as one flat object: the model, the parameters, and each output as its value, or as an array where
 * it has not exactly one. Of fields with the same name the output stands. Throws `invalid-argument` for what JSON cannot carry.
 */
export function writeReply(response: InferenceResponse, nonFinite: NonFinite): string {
  const { model, version, id, parameters, outputs } = response;
  const fields = new Map([
    ['model_name', JSON.stringify(model)],
    ['model_version', JSON.stringify(version)],
  ]);
  if (id !== '') fields.set('id', JSON.stringify(id));
  for (const [name, value] of parameters) fields.set(name, encodeParameter(value, nonFinite));
  for (const { name, tensor } of outputs) fields.set(name, encodeOutput(name, tensor, nonFinite));
  return `{${Array.from(fields, ([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`;
}

function encodeOutput(name: string, tensor: Tensor, nonFinite: NonFinite): string {
  const array = encodeJsonData(tensor, name, nonFinite);
  return tensor.data.length === 1 ? array.slice(1, -1) : array;
}

import { fieldOf, isArray, isObject, type JsonObject } from '../../protocol/rest/body/json-fields.js';
import { parseUniqueJson } from '../../protocol/rest/body/parse-infer-json.js';
import type { BodyReader, InputForm, ReadBody } from '../../protocol/rest/codec/body-reader.js';
import { decodeInferRequest, type InferRequestParts } from '../../protocol/rest/codec/decode.js';
import { decodeGenerate, repeatedKey } from './decode-generate.js';

/** A request, and in which dialect it is answered. */
export interface ReadGeneration extends ReadBody {
  /** Whether it is an inference request, as MLServer takes them on the same routes. */
  readonly isInference: boolean;
}

/** Large bodies are read in a thread, by this module's {@link readBody}. */
export const generations = { module: import.meta.url, readBody } satisfies BodyReader<
  readonly InputForm[],
  ReadGeneration
>;

/** Reads the body of generate and generate_stream for a model of these inputs. Throws `invalid-argument`. */
export function readBody(parts: InferRequestParts, inputs: readonly InputForm[]): ReadGeneration {
  const json = parseUniqueJson(parts.body, (key) => {
    throw repeatedKey(inputs, key);
  });
  if (isInferenceRequest(json, inputs)) return { request: decodeInferRequest(parts), isInference: true };
  const { model, version } = parts;
  return { request: decodeGenerate(json, { model, version, inputs }), isInference: false };
}

/** `inputs` is a list of tensors there, unless the model has an input of that name. */
function isInferenceRequest(json: JsonObject, inputs: readonly InputForm[]): boolean {
  const tensors = fieldOf(json, 'inputs');
  return isArray(tensors) && tensors.some(isObject) && !inputs.some(({ name }) => name === 'inputs');
}

import { invalidArgument } from '../../core/errors/catalogue.js';
import { NO_PARAMETERS } from '../../core/inference/parameters.js';
import type { EncodedRequest } from '../../core/inference/request.js';
import type { ServedModel } from '../../core/inference/served-model.js';
import type { EncodedTensor } from '../../core/tensor/encoded-tensor.js';
import { MAX_JSON_DEPTH } from '../../core/tensor/json-data.js';
import type { Shape } from '../../core/tensor/shape.js';
import { describeJson, fieldOf, isArray, isObject, type JsonObject } from '../../protocol/rest/body/json-fields.js';
import { parseUniqueJson } from '../../protocol/rest/body/parse-infer-json.js';
import { type BodyReader, type InputForm, type ReadBody } from '../../protocol/rest/codec/body-reader.js';
import type { InferRequestParts } from '../../protocol/rest/codec/decode.js';

type Columns = readonly (readonly [name: string, value: unknown])[];

/** The model that a prediction is read for. */
export type PredictionTarget = Pick<ServedModel, 'name'> & { readonly inputs: readonly InputForm[] };

/** Large predictions are read in a thread, by this module's {@link readBody}. */
export const predictions = { module: import.meta.url, readBody } satisfies BodyReader<PredictionTarget, ReadBody>;

export function readBody({ body }: InferRequestParts, target: PredictionTarget): ReadBody {
  return { request: decodePrediction(body, target) };
}

/**
 * Reads the body of a prediction: `instances`, row by row, or `inputs`, tensor by tensor. Datatypes are the model's, and
 * shapes those of the nested arrays. Throws `invalid-argument`.
 */
export function decodePrediction(body: Buffer, model: PredictionTarget): EncodedRequest {
  const json = parseUniqueJson(body, (key) => {
    throw invalidArgument(`'${key}' stands twice in the request: give each key once`);
  });
  const inputs = columnsOf(json, model).map(([name, value]) => toTensor(name, value, model));
  return {
    model: model.name,
    version: '',
    id: '',
    parameters: NO_PARAMETERS,
    inputs,
    outputs: [],
    rawInput: undefined,
  };
}

function columnsOf(json: JsonObject, model: PredictionTarget): Columns {
  const instances = fieldOf(json, 'instances');
  const inputs = fieldOf(json, 'inputs');
  if ((instances === undefined) === (inputs === undefined)) {
    throw invalidArgument('Expected either "instances" or "inputs" in the request: give one of them');
  }
  if (inputs !== undefined) return isObject(inputs) ? Object.entries(inputs) : [[onlyInput(model, 'inputs'), inputs]];
  if (!isArray(instances)) throw invalidArgument(`Expected "instances" to be a list, got ${describeJson(instances)}`);
  const [first] = instances;
  return isObject(first) ? columnsOfRows(instances, first) : [[onlyInput(model, 'each of the instances'), instances]];
}

/** Every instance names the same inputs. */
function columnsOfRows(instances: readonly unknown[], first: JsonObject): Columns {
  const names = Object.keys(first);
  for (const [index, instance] of instances.entries()) {
    if (!isObject(instance)) {
      throw invalidArgument(`instance ${index} must be an object as the first is, got ${describeJson(instance)}`);
    }
    const keys = Object.keys(instance);
    if (keys.length !== names.length || !names.every((name) => Object.hasOwn(instance, name))) {
      throw invalidArgument(
        `instance ${index} has the inputs [${keys.join(', ')}], the first one [${names.join(', ')}]`,
      );
    }
  }
  return names.map((name) => [name, instances.map((instance) => fieldOf(instance as JsonObject, name))]);
}

function onlyInput({ name: model, inputs }: PredictionTarget, where: string): string {
  const [only, second] = inputs;
  if (only !== undefined && second === undefined) return only.name;
  const names = inputs.map(({ name }) => `'${name}'`).join(', ');
  throw invalidArgument(`model '${model}' has the inputs ${names}: name them in an object in ${where}`);
}

/** An input that the model does not have is refused later, with those that are missing. */
function toTensor(name: string, value: unknown, { inputs }: PredictionTarget): EncodedTensor {
  const spec = inputs.find((input) => input.name === name);
  const contents = { kind: 'json', value } as const;
  if (spec === undefined) return { name, datatype: '', shape: [], contents };
  return { name, datatype: spec.datatype, shape: inRank(shapeOf(value), spec.shape), contents };
}

/** The lengths of the nested arrays, by the first at each depth. */
function shapeOf(value: unknown): Shape {
  const shape: number[] = [];
  for (let level = value; isArray(level) && shape.length < MAX_JSON_DEPTH; [level] = level) shape.push(level.length);
  return shape;
}

/** Values that stand for themselves are rows of one. */
const inRank = (shape: Shape, wanted: Shape): Shape =>
  shape.length + 1 === wanted.length && Math.abs(wanted.at(-1) ?? 0) === 1 ? [...shape, 1] : shape;

import { invalidArgument } from '../../core/errors/catalogue.js';
import type { ServingError } from '../../core/errors/serving-error.js';
import type { ParameterValue } from '../../core/inference/parameters.js';
import type { EncodedRequest } from '../../core/inference/request.js';
import type { EncodedTensor } from '../../core/tensor/encoded-tensor.js';
import type { Shape } from '../../core/tensor/shape.js';
import { refuseReservedParameters } from '../../protocol/call/reserved-parameters.js';
import type { InputForm } from '../../protocol/rest/codec/body-reader.js';
import { describeJson, isArray, isObject, type JsonObject, readText } from '../../protocol/rest/body/json-fields.js';

/** The model that a generate request is read for. */
export interface GenerateTarget {
  readonly model: string;
  readonly version: string;
  readonly inputs: readonly InputForm[];
}

/**
 * Reads a generate request: each key of the body, and of its `parameters`, is the input of that name, or else a
 * parameter. Throws `invalid-argument` in the order of the keys, with Triton's words.
 */
export function decodeGenerate(body: JsonObject, { model, version, inputs }: GenerateTarget): EncodedRequest {
  const fields = new Fields(inputs);
  let id = '';
  for (const [key, value] of Object.entries(body)) {
    if (key === 'id') id = readText(value, 'id', 'the request');
    else if (key === 'parameters') fields.takeAll(value);
    else fields.take(key, value, '');
  }
  refuseReservedParameters(fields.parameters);
  return {
    model,
    version,
    id,
    parameters: fields.parameters,
    inputs: fields.tensors,
    outputs: [],
    rawInput: undefined,
  };
}

/** The error for a key that stands twice. */
export function repeatedKey(inputs: readonly InputForm[], key: string): ServingError {
  const role = inputs.some(({ name }) => name === key) ? 'input' : 'parameter';
  return invalidArgument(`${role} '${key}' already exists in request`);
}

class Fields {
  readonly tensors: EncodedTensor[] = [];
  readonly parameters = new Map<string, ParameterValue>();
  private readonly taken = new Set<string>();

  constructor(private readonly inputs: readonly InputForm[]) {}

  takeAll(value: unknown): void {
    if (!isObject(value))
      throw invalidArgument(`Expected JSON object for keyword: 'parameters', got ${describeJson(value)}`);
    for (const [key, item] of Object.entries(value)) this.take(key, item, "Converting keyword: 'parameters': ");
  }

  take(key: string, value: unknown, where: string): void {
    if (this.taken.has(key)) throw repeatedKey(this.inputs, key);
    this.taken.add(key);
    const spec = this.inputs.find(({ name }) => name === key);
    if (spec !== undefined) this.tensors.push(toTensor(spec, value));
    else if (isParameter(value)) this.parameters.set(key, value);
    else throw wrongParameter(key, value, where);
  }
}

const isParameter = (value: unknown): value is ParameterValue =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean';

const wrongParameter = (key: string, value: unknown, where: string): ServingError =>
  invalidArgument(
    `${where}parameter '${key}' has invalid type. It should be either 'int', 'bool', 'double', or 'string', got ${describeJson(value)}`,
  );

function toTensor({ name, datatype, shape }: InputForm, value: unknown): EncodedTensor {
  const elements = isArray(value) ? value : [value];
  for (const element of elements) checkElement(name, datatype, element);
  return { name, datatype, shape: fillShape(shape, elements.length), contents: { kind: 'json', value: elements } };
}

/** Numbers are read later, with those of inference requests. */
function checkElement(name: string, datatype: string, element: unknown): void {
  if (datatype === 'BOOL' && typeof element !== 'boolean') {
    throw invalidArgument(
      `attempt to access JSON non-boolean as boolean: input '${name}' takes true and false, got ${describeJson(element)}`,
    );
  }
  if (datatype === 'BYTES' && typeof element !== 'string') {
    throw invalidArgument(
      `attempt to access JSON non-string as string: input '${name}' takes strings, got ${describeJson(element)}`,
    );
  }
  if (typeof element === 'object') {
    throw invalidArgument(
      `input '${name}' takes a value, or an array of values that is not nested, got ${describeJson(element)} in it`,
    );
  }
}

/** So many elements in the last dimension that takes any size; 1 in those before it. */
function fillShape(shape: Shape, elements: number): Shape {
  const last = shape.lastIndexOf(-1);
  const fixed = shape.reduce((product, dimension) => (dimension === -1 ? product : product * dimension), 1);
  // Rounded up: elements that do not fill the shape are then too few for it, and refused.
  const rest = fixed === 0 ? 0 : Math.ceil(elements / fixed);
  return shape.map((dimension, axis) => (dimension !== -1 ? dimension : axis === last ? rest : 1));
}

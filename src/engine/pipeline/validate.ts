import { invalidArgument } from '../../core/errors/catalogue.js';
import { inputField, outputField } from '../../core/errors/request-field.js';
import type { ServingError } from '../../core/errors/serving-error.js';
import type { RequestedOutput } from '../../core/inference/request.js';
import type { ServedModel } from '../../core/inference/served-model.js';
import type { NamedSpec } from '../../core/model/signature.js';
import { isDatatype } from '../../core/tensor/datatype.js';
import { formatShape, type Shape, shapeMatches } from '../../core/tensor/shape.js';

/** The checks of a request's tensors against a model's signature, the same for every wire and every caller. */

/** Every name at most once, none unknown, none missing. */
export function checkInputNames({ name: model, inputs }: ServedModel, names: readonly string[]): void {
  const given = new Set<string>();
  for (const name of names) {
    if (given.has(name)) throw invalidArgument(`input '${name}' already exists in request`, inputField(name));
    given.add(name);
  }
  for (const name of names) {
    if (!inputs.some((spec) => spec.name === name)) {
      throw invalidArgument(`unexpected inference input '${name}' for model '${model}'`, inputField(name));
    }
  }
  const missing = inputs.filter((spec) => !spec.optional && !given.has(spec.name));
  if (missing.length > 0) throw missingInputs(model, inputs, names, missing);
}

function missingInputs(
  model: string,
  inputs: readonly NamedSpec[],
  got: readonly string[],
  missing: readonly NamedSpec[],
): ServingError {
  const required = inputs.filter((spec) => !spec.optional).length;
  const expected =
    required === inputs.length
      ? `expected ${inputs.length} inputs`
      : `expected number of inputs between ${required} and ${inputs.length}`;
  const quote = (names: readonly string[]) => `[${names.map((name) => `'${name}'`).join(',')}]`;
  return invalidArgument(
    `${expected} but got ${got.length} inputs for model '${model}'. Got input(s) ${quote(got)}, but missing required input(s) ${quote(missing.map((spec) => spec.name))}. Please provide all required input(s).`,
    'inputs',
  );
}

/** The datatype and shape of one input; `datatype` may be any text that a caller wrote. */
export function checkInput(model: string, spec: NamedSpec, datatype: string, shape: Shape): void {
  if (datatype !== spec.datatype) {
    throw invalidArgument(
      `inference input '${spec.name}' data-type is '${isDatatype(datatype) ? datatype : '<invalid>'}', but model '${model}' expects '${spec.datatype}'`,
      inputField(spec.name, 'datatype'),
    );
  }
  if (!shapeMatches(spec.shape, shape)) {
    throw invalidArgument(
      `unexpected shape for input '${spec.name}' for model '${model}'. Expected ${formatShape(spec.shape)}, got ${formatShape(shape)}. NOTE: the shape includes every dimension, that of the batch too; -1 stands for any size.`,
      inputField(spec.name, 'shape'),
    );
  }
}

/** Every requested output at most once, none unknown. */
export function checkRequestedOutputs(model: ServedModel, requested: readonly RequestedOutput[]): void {
  const given = new Set<string>();
  for (const { name } of requested) {
    if (given.has(name)) throw invalidArgument(`output '${name}' already exists in request`, outputField(name));
    given.add(name);
    if (!model.outputs.some((spec) => spec.name === name)) {
      throw invalidArgument(`unexpected inference output '${name}' for model '${model.name}'`, outputField(name));
    }
  }
}

/** The shapes of a request's inputs, by name, against the batch dimension of the model. */
export function checkBatchSize(
  { name: model, maxBatchSize }: ServedModel,
  shapes: Iterable<readonly [input: string, shape: Shape]>,
): void {
  if (maxBatchSize === 0) return;
  let batchSize: number | undefined;
  for (const [input, [rows]] of shapes) {
    if (rows === undefined) {
      throw invalidArgument(
        `input '${input}' has no shape but model requires batch dimension for '${model}'`,
        inputField(input, 'shape'),
      );
    }
    batchSize ??= rows;
    if (rows !== batchSize) {
      throw invalidArgument(
        `input '${input}' batch size does not match other inputs for '${model}'`,
        inputField(input, 'shape'),
      );
    }
  }
  if (batchSize !== undefined && batchSize > maxBatchSize) {
    throw invalidArgument(`inference request batch-size must be <= ${maxBatchSize} for '${model}'`, 'inputs');
  }
}

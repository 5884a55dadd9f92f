import type { ModelClient, ModelDescription } from '../../core/model/model-client.js';
import type { NamedSpec } from '../../core/model/signature.js';
import { formatShape, type Shape } from '../../core/tensor/shape.js';
import type { Ensemble, EnsembleStep, TensorMapping } from './ensemble.js';

/** What one model says of a tensor that it shares with others. */
interface Claim {
  readonly model: string;
  readonly spec: NamedSpec;
}

/** Throws for an ensemble that does not fit the models of its steps, as they are loaded now. */
export function checkComposition(ensemble: Ensemble, models: ModelClient): void {
  checkCalls(ensemble, models);
  const claims = new Map<string, Claim[]>();
  for (const spec of ensemble.inputs) agree(ensemble, claims, spec.name, { model: ensemble.name, spec });
  for (const step of ensemble.steps) {
    const description = describeStep(ensemble, step, models);
    const { name: model } = step.model;
    checkNames(ensemble, step, description);
    checkOptional(ensemble, step, description);
    for (const [mapping, spec] of mapped(step.inputs, description.inputs)) {
      agree(ensemble, claims, mapping.tensor, { model, spec });
    }
    for (const [mapping, spec] of mapped(step.outputs, description.outputs)) {
      agree(ensemble, claims, mapping.tensor, { model, spec });
    }
  }
  for (const spec of ensemble.outputs) agree(ensemble, claims, spec.name, { model: ensemble.name, spec });
}

/** An ensemble may call others, but none that comes back to it. */
function checkCalls({ name, steps }: Ensemble, models: ModelClient): void {
  const callers = new Map<string, string>(steps.map(({ model }) => [model.name, name]));
  // A map that is walked also gives what is added on the way.
  for (const [model, caller] of callers) {
    if (model === name) {
      const way = caller === name ? name : `${name} -> ... -> ${caller}`;
      throw new Error(`circular dependency between ensembles: ${way} -> ${name}`);
    }
    for (const called of models.describe(model)?.dependsOn ?? []) {
      if (!callers.has(called)) callers.set(called, model);
    }
  }
}

function describeStep({ name, maxBatchSize }: Ensemble, { model }: EnsembleStep, models: ModelClient) {
  const description = models.describe(model);
  if (description === undefined) {
    throw new Error(
      `ensemble '${name}' depends on '${model.name}' ` +
        (model.version === undefined
          ? 'which has no loaded version'
          : `whose required version ${model.version} is not loaded: name one that is, or -1 for the latest`),
    );
  }
  if (description.decoupled) {
    throw new Error(
      `ensemble '${name}' contains model '${model.name}', which is decoupled: a step needs exactly one response`,
    );
  }
  if (description.maxBatchSize !== 0 && description.maxBatchSize < maxBatchSize) {
    throw new Error(
      `ensemble '${name}' allows maximum batch size ${maxBatchSize}, but it contains model '${model.name}' ` +
        `which only allows maximum batch size to be ${description.maxBatchSize}`,
    );
  }
  return description;
}

function checkNames({ name }: Ensemble, step: EnsembleStep, { inputs, outputs }: ModelDescription): void {
  const { model } = step;
  for (const { own, tensor } of step.inputs) {
    if (inputs.some((spec) => spec.name === own)) continue;
    throw new Error(
      `in ensemble '${name}', ensemble tensor '${tensor}' is mapping to non-existing input '${own}' in model '${model.name}'`,
    );
  }
  for (const { own, tensor } of step.outputs) {
    if (outputs.some((spec) => spec.name === own)) continue;
    throw new Error(
      `in ensemble '${name}', ensemble tensor '${tensor}' is mapped from non-existing output '${own}' in model '${model.name}'`,
    );
  }
  const unmapped = inputs.find((spec) => !spec.optional && !step.inputs.some(({ own }) => own === spec.name));
  if (unmapped === undefined) return;
  throw new Error(
    `in ensemble '${name}', input '${unmapped.name}' in model '${model.name}' is not mapped to any ensemble tensors`,
  );
}

/** What a caller may leave out can only go where it may be left out. */
function checkOptional({ name, inputs }: Ensemble, step: EnsembleStep, { inputs: own }: ModelDescription): void {
  for (const [{ tensor }, spec] of mapped(step.inputs, own)) {
    if (spec.optional || !inputs.some((input) => input.name === tensor && input.optional)) continue;
    throw new Error(
      `in ensemble '${name}', ensemble input '${tensor}' is optional, ` +
        `but input '${spec.name}' in model '${step.model.name}', which reads it, is not`,
    );
  }
}

const mapped = (mappings: readonly TensorMapping[], specs: readonly NamedSpec[]) =>
  mappings.flatMap((mapping) =>
    specs.filter((spec) => spec.name === mapping.own).map((spec) => [mapping, spec] as const),
  );

/** All who write or read a tensor mean the same one; a dimension of -1 is left to each request. */
function agree({ name }: Ensemble, claims: Map<string, Claim[]>, tensor: string, claim: Claim): void {
  const others = claims.get(tensor) ?? [];
  const refuse = (what: string, ours: string, theirs: string, { model }: Claim): never => {
    throw new Error(
      `in ensemble '${name}', ensemble tensor '${tensor}': inconsistent ${what}: ` +
        `${theirs} is inferred from model '${model}' while ${ours} is inferred from model '${claim.model}'`,
    );
  };
  for (const other of others) {
    const [ours, theirs] = [claim.spec, other.spec];
    if (ours.datatype !== theirs.datatype) refuse('data type', ours.datatype, theirs.datatype, other);
    if (!canMatch(ours.shape, theirs.shape)) refuse('shape', formatShape(ours.shape), formatShape(theirs.shape), other);
  }
  claims.set(tensor, [...others, claim]);
}

const canMatch = (one: Shape, other: Shape): boolean =>
  one.length === other.length &&
  one.every((dimension, axis) => dimension === -1 || other[axis] === -1 || dimension === other[axis]);

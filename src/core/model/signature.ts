import type { ContentType } from './content-types.js';
import type { Datatype } from '../tensor/datatype.js';
import type { TensorSpec } from '../tensor/kinds.js';
import type { Tensor } from '../tensor/tensor.js';

/** A tensor's name with its datatype and shape. */
export interface NamedSpec extends TensorSpec {
  readonly name: string;
  /** The names of the classes along the last dimension, where the model has them. */
  readonly labels?: readonly string[];
  /** What its elements mean, where the model says so. */
  readonly contentType?: ContentType | undefined;
}

/** Tensors by name; as a list of entries where JavaScript would reorder the names of a record ('0', '1'). */
export type SpecRecord = Readonly<Record<string, TensorSpec>>;
export type SpecEntries = readonly (readonly [name: string, spec: TensorSpec])[];
export type Specs = SpecRecord | SpecEntries;

type ToRecord<S extends Specs> = S extends SpecEntries
  ? { readonly [E in S[number] as E[0]]: E[1] }
  : S extends SpecRecord
    ? S
    : never;

/** What a model takes and gives: the order is the order on the wire. */
export interface Signature<I extends SpecRecord = SpecRecord, O extends SpecRecord = SpecRecord> {
  readonly inputs: readonly NamedSpec[];
  readonly outputs: readonly NamedSpec[];
  /** Carries the types of the tensors; there is no value behind it. */
  readonly types?: { readonly inputs: I; readonly outputs: O };
}

type Tensors<R extends SpecRecord> = {
  readonly [K in keyof R as R[K]['optional'] extends true ? never : K]: R[K] extends TensorSpec<infer D>
    ? Tensor<D>
    : never;
} & {
  readonly [K in keyof R as R[K]['optional'] extends true ? K : never]?:
    (R[K] extends TensorSpec<infer D> ? Tensor<D> : never) | undefined;
};

/** The tensors that a model with this signature receives. */
export type Inputs<S> = S extends Signature<infer I> ? Tensors<I> : never;

/** The tensors that a model with this signature returns. */
export type Outputs<S> = S extends Signature<SpecRecord, infer O> ? Tensors<O> : never;

/**
 * Declares a model's inputs and outputs. Shapes are the protocol's: a batch dimension is written out, -1 takes any
 * size. Throws when a name is empty or stands twice.
 *
 * @example
 * const doubler = signature({ inputs: { x: fp32(-1) }, outputs: { y: fp32(-1) } });
 */
export function signature<const I extends Specs, const O extends Specs>(specs: {
  readonly inputs: I;
  readonly outputs: O;
}): Signature<ToRecord<I>, ToRecord<O>> {
  return { inputs: toList(specs.inputs, 'input'), outputs: toList(specs.outputs, 'output') };
}

function toList(specs: Specs, role: 'input' | 'output'): NamedSpec[] {
  const entries: SpecEntries = isEntries(specs) ? specs : Object.entries(specs);
  const seen = new Set<string>();
  return entries.map(([name, spec]) => {
    if (name === '') throw new TypeError(`an ${role} of the signature has an empty name`);
    if (seen.has(name)) throw new TypeError(`${role} '${name}' stands twice in the signature`);
    const wrong = spec.shape.find((dimension) => !Number.isSafeInteger(dimension) || dimension < -1);
    if (wrong !== undefined) throw new TypeError(`${role} '${name}': ${wrong} is no dimension; use -1 for any size`);
    seen.add(name);
    return { name, datatype: spec.datatype satisfies Datatype, shape: spec.shape, optional: spec.optional };
  });
}

const isEntries = (specs: Specs): specs is SpecEntries => Array.isArray(specs);

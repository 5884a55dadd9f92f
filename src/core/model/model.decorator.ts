import 'reflect-metadata';
import type { FitsSignature } from './provider.js';
import type { Signature } from './signature.js';

/** A model's name on the wire, with a version where several are served side by side. */
export interface ModelIdentity {
  readonly name: string;
  /** Any text; the highest number is the default version. Default: `1`. */
  readonly version?: string;
}

/** What {@link Model} records on a class. */
export interface ModelMetadata {
  readonly name: string;
  readonly version: string;
  readonly signature: Signature;
}

const MODEL = Symbol('model');

/**
 * Serves a class as a model: add it to the providers of a module, and it answers on both wires.
 *
 * The class has `infer(inputs, context)`, which returns one set of outputs, or `async *stream(inputs, context)`,
 * which yields any number (the protocol's *decoupled* models). Whether it fits the signature is checked by the
 * compiler, at the decorator.
 *
 * @example
 * const doubler = signature({ inputs: { x: fp32(-1) }, outputs: { y: fp32(-1) } });
 *
 * \@Model('doubler', doubler)
 * export class DoublerModel {
 *   infer({ x }: Inputs<typeof doubler>) {
 *     return { y: x.map((value) => value * 2) };
 *   }
 * }
 */
export function Model<S extends Signature>(identity: string | ModelIdentity, signature: S) {
  const { name, version = '1' } = typeof identity === 'string' ? { name: identity } : identity;
  if (name.trim() === '') throw new TypeError('@Model needs a name');
  if (version === '') throw new TypeError(`@Model '${name}': a version must not be empty`);
  const metadata: ModelMetadata = { name, version, signature };
  return <M>(target: (new (...args: never[]) => M) & FitsSignature<M, S>): void => {
    Reflect.defineMetadata(MODEL, metadata, target);
  };
}

/** What {@link Model} recorded on this very class; a subclass does not inherit it. */
export const modelMetadata = (target: object): ModelMetadata | undefined =>
  Reflect.getOwnMetadata(MODEL, target) as ModelMetadata | undefined;

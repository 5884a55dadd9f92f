import { ServingError } from '../../core/errors/serving-error.js';
import type { NamedSpec } from '../../core/model/signature.js';
import { isDatatype } from '../../core/tensor/datatype.js';
import {
  type ClientMethod,
  clientMethods,
  type ModelConfigReply,
  type TensorMetadata,
} from '../../protocol/grpc/codec/client-methods.js';
import type { RemoteTarget } from './remote-target.js';
import type { CallLimits } from './upstream/call-limits.js';
import type { Upstream } from './upstream/upstream.js';
import { brokenAnswer } from './upstream/upstream-failure.js';

/** What an upstream says of a model. */
export interface RemoteDescription {
  readonly inputs: readonly NamedSpec[];
  readonly outputs: readonly NamedSpec[];
  readonly isDecoupled: boolean;
}

interface Question {
  readonly name: string;
  readonly version: string;
}

/** Asks an upstream for a model's signature. A configuration it need not have. */
export async function describeRemote(
  upstream: Upstream,
  { model: name, version }: RemoteTarget,
  limits: CallLimits,
): Promise<RemoteDescription> {
  const { ModelMetadata, ModelConfig } = clientMethods();
  const [metadata, { config = {} }] = await Promise.all([
    ask(upstream, ModelMetadata, { name, version }, limits),
    ask(upstream, ModelConfig, { name, version }, limits).catch(nothingIfUnimplemented),
  ]);
  const optional = new Set(config.input?.flatMap((input) => (input.optional === true ? [input.name] : [])));
  const inputs = toSpecs(metadata.inputs, 'input').map((spec) => ({ ...spec, optional: optional.has(spec.name) }));
  const outputs = toSpecs(metadata.outputs, 'output');
  if (outputs.length === 0) throw new Error('its metadata there names no outputs');
  return { inputs, outputs, isDecoupled: config.model_transaction_policy?.decoupled === true };
}

/** Whether the upstream would serve the model now. Rejects where it would not. */
export async function probeRemote(
  upstream: Upstream,
  { model: name, version }: RemoteTarget,
  limits: CallLimits,
): Promise<void> {
  const { ready } = await ask(upstream, clientMethods().ModelReady, { name, version }, limits);
  if (ready !== true) throw new Error(`model '${name}' is not ready on upstream '${upstream.name}'`);
}

async function ask<R>(
  upstream: Upstream,
  method: ClientMethod<Question, R>,
  question: Question,
  limits: CallLimits,
): Promise<R> {
  const bytes = await upstream.call(method, question, limits);
  try {
    return method.decode(bytes);
  } catch (cause) {
    throw brokenAnswer(upstream.name, question.name, `it is no reply to ${method.path}`, cause);
  }
}

function nothingIfUnimplemented(failure: unknown): ModelConfigReply {
  if (failure instanceof ServingError && failure.code === 'unimplemented') return {};
  throw failure;
}

function toSpecs(tensors: readonly TensorMetadata[] = [], role: string): NamedSpec[] {
  const names = new Set<string>();
  return tensors.map((tensor) => {
    const spec = toSpec(tensor, role);
    if (names.has(spec.name)) throw new Error(`its metadata there names ${role} '${spec.name}' twice`);
    names.add(spec.name);
    return spec;
  });
}

function toSpec({ name = '', datatype = '', shape: dimensions = [] }: TensorMetadata, role: string): NamedSpec {
  if (name === '') throw new Error(`its metadata there has an ${role} without a name`);
  if (!isDatatype(datatype)) throw new Error(`${role} '${name}' has the unknown datatype '${datatype}' there`);
  // Whatever is negative stands for any size.
  const shape = dimensions.map((dimension) => Math.max(Number(dimension), -1));
  if (!shape.every(Number.isSafeInteger))
    throw new Error(`${role} '${name}' has the shape [${dimensions.join(',')}] there`);
  return { name, datatype, shape, optional: false };
}

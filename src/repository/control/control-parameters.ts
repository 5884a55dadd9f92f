import { invalidArgument } from '../../core/errors/catalogue.js';

/** What a load may bring along. */
export interface LoadParameters {
  /** JSON, in place of the model's own configuration. */
  readonly config?: string | undefined;
  /** By path in the model's folder, which then consists of them alone. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

export const PLAIN_LOAD: LoadParameters = { files: new Map() };

const FILE = 'file:';

/** A parameter by the kind of value that it holds, in the words of the gRPC messages. */
export interface ControlParameter {
  readonly type: string;
  readonly value: unknown;
}

/** Checks the parameters of a load: their names, each with the kind of value that it holds. */
export function readLoadParameters(parameters: ReadonlyMap<string, ControlParameter>): LoadParameters {
  const files = new Map<string, Uint8Array>();
  for (const [name, { type, value }] of parameters) {
    if (name !== 'config' && !name.startsWith(FILE)) throw invalidArgument(`unrecognized load parameter '${name}'.`);
    const expected = name === 'config' ? 'string_param' : 'bytes_param';
    if (type !== expected) {
      throw invalidArgument(`invalid value type for load parameter '${name}', expected ${expected}.`);
    }
    if (name !== 'config') files.set(name.slice(FILE.length), value as Uint8Array);
  }
  const config = parameters.get('config')?.value as string | undefined;
  if (files.size > 0 && config === undefined) {
    throw invalidArgument("Load parameter 'config' must be specified for model file override");
  }
  return { config, files };
}

/** Whether an unload is to take along what the model calls. */
export function readUnloadDependents(parameters: ReadonlyMap<string, ControlParameter>): boolean {
  for (const [name, { type }] of parameters) {
    if (name !== 'unload_dependents') throw invalidArgument(`unrecognized unload parameter '${name}'.`);
    if (type !== 'bool_param') {
      throw invalidArgument(`invalid value type for unload parameter '${name}', expected bool_param.`);
    }
  }
  return parameters.get('unload_dependents')?.value === true;
}

/** The parameters of a REST body; a file travels as base64 text. */
export function fromJson(parameters: Readonly<Record<string, unknown>> = {}): ReadonlyMap<string, ControlParameter> {
  return new Map(Object.entries(parameters).map(([name, value]) => [name, parameterOf(name, value)]));
}

function parameterOf(name: string, value: unknown): ControlParameter {
  if (typeof value === 'boolean') return { type: 'bool_param', value };
  if (typeof value === 'number') return { type: 'int64_param', value };
  if (typeof value !== 'string') return { type: 'none', value };
  return name.startsWith(FILE)
    ? { type: 'bytes_param', value: fromBase64(name, value) }
    : { type: 'string_param', value };
}

/** Node's own decoder leaves out what is none of the alphabet. */
function fromBase64(name: string, text: string): Buffer {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = Buffer.from(text, 'base64');
  if (text.length % 4 === 0 && !/[^\w+/=]|_/.test(text) && bytes.byteLength === (text.length / 4) * 3 - padding) {
    return bytes;
  }
  throw invalidArgument(`load parameter '${name}' is not base64: encode the bytes of the file, with padding`);
}

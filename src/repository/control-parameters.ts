import { invalidArgument, unimplemented } from '../core/errors/catalogue.js';

/** Checks the parameters of load and unload: their names, each with the kind of value that it holds. */

export function checkLoadParameters(types: ReadonlyMap<string, string>): void {
  for (const [name, type] of types) {
    if (name !== 'config' && !name.startsWith('file:')) throw invalidArgument(`unrecognized load parameter '${name}'.`);
    const expected = name === 'config' ? 'string_param' : 'bytes_param';
    if (type !== expected) {
      throw invalidArgument(`invalid value type for load parameter '${name}', expected ${expected}.`);
    }
    throw unimplemented(`load parameter '${name}' is not supported by this server: change the files of the repository`);
  }
}

export function checkUnloadParameters(types: ReadonlyMap<string, string>): void {
  for (const [name, type] of types) {
    if (name !== 'unload_dependents') throw invalidArgument(`unrecognized unload parameter '${name}'.`);
    if (type !== 'bool_param') {
      throw invalidArgument(`invalid value type for unload parameter '${name}', expected bool_param.`);
    }
  }
}

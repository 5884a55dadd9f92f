import { invalidArgument } from '../../../core/errors/catalogue.js';
import type { ServingError } from '../../../core/errors/serving-error.js';
import type { ParameterValue, Parameters } from '../../../core/inference/parameters.js';
import { NO_PARAMETERS } from '../../../core/inference/parameters.js';

/** Reads the fields of a parsed JSON body; what has the wrong kind is an error that names the field and its owner. */

export type JsonObject = Readonly<Record<string, unknown>>;

/** A field that the body itself has: what other code has left on all objects is no part of it. */
export const fieldOf = (object: JsonObject, field: string): unknown =>
  Object.hasOwn(object, field) ? object[field] : undefined;

/** `where` names the owner of the field: `the request`, `input 'x'`. */
export function readObject(value: unknown, field: string, where: string): JsonObject {
  if (isObject(value)) return value;
  throw wrongField(field, `${where} must be a JSON object`, value);
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function readArray(value: unknown, field: string, where: string): readonly unknown[] {
  if (isArray(value)) return value;
  throw wrongField(field, `${where} must have a JSON array there`, value);
}

/** `Array.isArray` would make every element an `any`. */
export const isArray = (value: unknown): value is readonly unknown[] => Array.isArray(value);

export function readText(value: unknown, field: string, where: string): string {
  if (typeof value === 'string') return value;
  throw wrongField(field, `${where} must have a string there`, value);
}

export function readName(value: unknown, where: string): string {
  const name = readText(value, 'name', where);
  if (name !== '') return name;
  throw wrongField('name', `${where} must have a name that is not empty`, value);
}

/** A flat object of scalars; absent for none. */
export function readParameters(value: unknown, where: string): Parameters {
  if (value === undefined) return NO_PARAMETERS;
  const parameters = new Map<string, ParameterValue>();
  for (const [key, parameter] of Object.entries(readObject(value, 'parameters', `'parameters' of ${where}`))) {
    if (!isParameterValue(parameter)) {
      throw wrongField('parameters', `'${key}' of ${where} must be a string, a number or a boolean`, parameter);
    }
    parameters.set(key, parameter);
  }
  return parameters;
}

const isParameterValue = (value: unknown): value is ParameterValue =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean';

/** A parameter that says yes or no. */
export function readFlag(parameters: Parameters, key: string, where: string): boolean {
  const value = parameters.get(key) ?? false;
  if (typeof value === 'boolean') return value;
  throw wrongField('parameters', `'${key}' of ${where} must be true or false`, value);
}

export const wrongField = (field: string, rule: string, value: unknown): ServingError =>
  invalidArgument(`Unable to parse '${field}': ${rule}, got ${describeJson(value)}`);

const MAX_DESCRIPTION = 40;

/** A short form of a JSON value for error messages. */
export function describeJson(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : 'an object';
}

const quote = (text: string): string =>
  text.length > MAX_DESCRIPTION ? `${JSON.stringify(text.slice(0, MAX_DESCRIPTION))}…` : JSON.stringify(text);

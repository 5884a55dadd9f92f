import protobuf, { type Field, type Type } from 'protobufjs';
import protojson from 'protobufjs/ext/protojson.js';
import { invalidArgument } from '../../../core/errors/catalogue.js';
import { parseJsonExactly } from '../../../core/json/parse-json.js';
import type { ModelConfig } from '../../../core/model/model-config.js';
import { explain, modelConfigType, toModelConfig } from './model-config-schema.js';

/**
 * Reads the load parameter `config` of a model, which stands in for its `config.pbtxt`. Throws `invalid-argument` with
 * the text that clients of the protocol match on.
 */
export function readConfigOverride(text: string, model: string): ModelConfig {
  try {
    return configFromJson(parseJsonExactly(text));
  } catch (failure) {
    throw invalidArgument(`failed to load '${model}', Invalid config override: ${(failure as Error).message}`);
  }
}

/**
 * A configuration in the JSON form of the message: names in snake or camel case, enums by name in any case or by
 * number, integers also as texts or bigints. Throws an `Error` that names the field, unknown ones included.
 */
export function configFromJson(value: unknown): ModelConfig {
  const type = modelConfigType();
  try {
    return toModelConfig(protojson.fromJson(type, normalize(type, value, '')));
  } catch (failure) {
    throw new Error(explain((failure as Error).message), { cause: failure });
  }
}

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Writes enums and integers as protobufjs takes them; what is of the wrong kind is left for it to refuse. */
function normalize(type: Type, value: unknown, path: string): unknown {
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => {
      const field = type.fieldsArray.find(({ name, jsonName }) => name === key || jsonName === key);
      if (field !== undefined) return [key, normalizeField(field, entry, path === '' ? key : `${path}.${key}`)];
      const known = type.fieldsArray.map(({ name }) => name).join(', ');
      throw new Error(`${path === '' ? '' : `${path}: `}unknown field '${key}': use one of ${known}`);
    }),
  );
}

function normalizeField(field: Field, value: unknown, path: string): unknown {
  if (field.map && isObject(value)) {
    const entries = Object.entries(value);
    return Object.fromEntries(entries.map(([key, entry]) => [key, normalizeValue(field, entry, `${path}['${key}']`)]));
  }
  if (field.repeated && Array.isArray(value)) {
    return value.map((entry, index) => normalizeValue(field, entry, `${path}[${index}]`));
  }
  return normalizeValue(field, value, path);
}

function normalizeValue({ resolvedType, type }: Field, value: unknown, path: string): unknown {
  if (resolvedType instanceof protobuf.Type) return normalize(resolvedType, value, path);
  if (resolvedType instanceof protobuf.Enum && typeof value === 'string') {
    const upper = value.toUpperCase();
    return Object.hasOwn(resolvedType.values, upper) ? upper : value;
  }
  if (typeof value !== 'bigint') return value;
  return /^u?int/.test(type) ? String(value) : Number(value);
}

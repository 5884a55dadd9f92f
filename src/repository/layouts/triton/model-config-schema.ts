import { join } from 'node:path';
import protobuf, { type Enum, type Field, type Message, type Type } from 'protobufjs';
import type { ModelConfig } from '../../../core/model/model-config.js';
import { PROTO_FOLDER } from '../../../protocol/grpc/contracts.js';

/** Any part of a message, to any depth. */
export type Partly<T> = T extends readonly (infer E)[]
  ? readonly Partly<E>[]
  : T extends object
    ? { readonly [K in keyof T]?: Partly<T[K]> }
    : T;

let schema: Type | undefined;

/** The message `inference.ModelConfig` of `proto/model_config.proto`. */
export function modelConfigType(): Type {
  if (schema === undefined) {
    const root = new protobuf.Root().loadSync(join(PROTO_FOLDER, 'model_config.proto'), { keepCase: true });
    schema = root.resolveAll().lookupType('inference.ModelConfig');
  }
  return schema;
}

/**
 * Fills in the proto's defaults. Takes enums by name or number, 64-bit integers as numbers, bigints or what protobufjs
 * makes of them. Throws where an enum has no such value, or a dimension is beyond what can be counted exactly.
 */
export const toModelConfig = (message: Partly<ModelConfig> | Message): ModelConfig =>
  complete(modelConfigType(), message, '') as unknown as ModelConfig;

type Fields = Readonly<Record<string, unknown>>;

function complete(type: Type, message: object, path: string): Fields {
  const entries = type.fieldsArray.flatMap((field): [string, unknown][] => {
    const given = Object.hasOwn(message, field.name) ? (message as Fields)[field.name] : undefined;
    const value = completeField(field, given ?? undefined, path === '' ? field.name : `${path}.${field.name}`);
    return value === undefined ? [] : [[field.name, value]];
  });
  return Object.fromEntries(entries);
}

function completeField(field: Field, value: unknown, path: string): unknown {
  if (field.map) {
    const entries = Object.entries(value ?? {});
    return Object.fromEntries(entries.map(([key, entry]) => [key, completeValue(field, entry, `${path}['${key}']`)]));
  }
  if (field.repeated) {
    return ((value ?? []) as unknown[]).map((entry, index) => completeValue(field, entry, `${path}[${index}]`));
  }
  const isMessage = field.resolvedType instanceof protobuf.Type;
  if (value === undefined && (isMessage || field.partOf !== null)) return undefined;
  return completeValue(field, value ?? field.defaultValue, path);
}

function completeValue(field: Field, value: unknown, path: string): unknown {
  const { resolvedType } = field;
  if (resolvedType instanceof protobuf.Type) return complete(resolvedType, value as object, path);
  if (resolvedType instanceof protobuf.Enum) return enumName(resolvedType, value as string | number, path);
  return field.type === 'int64' || field.type === 'uint64' ? toInteger(field.name, value, path) : value;
}

function enumName({ name, values, valuesById }: Enum, value: string | number, path: string): string {
  if (typeof value === 'string' && Object.hasOwn(values, value)) return value;
  const known = Object.hasOwn(valuesById, value) ? valuesById[Number(value)] : undefined;
  if (known === undefined) throw new Error(`${path}: ${value} is no ${name}: use one of ${namesOf(values)}`);
  return known;
}

const namesOf = (values: Readonly<Record<string, number>>): string => Object.keys(values).join(', ');

/** The fields that are counted with. Others hold a time or a version, where all 64 bits may matter. */
const COUNTED = new Set(['dims', 'shape', 'dim', 'priority_levels', 'default_priority_level']);

function toInteger(field: string, value: unknown, path: string): number | bigint {
  const integer = BigInt(String(value));
  const number = Number(integer);
  if (Number.isSafeInteger(number)) return number;
  if (COUNTED.has(field)) throw new Error(`${path}: ${integer} is too large: use at most ${Number.MAX_SAFE_INTEGER}`);
  return integer;
}

/** A message of protobufjs without the package of its types, and with the names that an enum takes. */
export function explain(message: string): string {
  const enumField = /^\.inference\.([\w.]+)\.(\w+): (?:unknown )?enum value/.exec(message);
  const plain = message.replace(/^\.inference\./, '');
  if (enumField === null) return plain;
  const [, type = '', name = ''] = enumField;
  const resolved = modelConfigType().root.lookupType(`inference.${type}`).fields[name]?.resolvedType;
  return resolved instanceof protobuf.Enum ? `${plain}: use one of ${namesOf(resolved.values)}` : plain;
}

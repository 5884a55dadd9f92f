import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Enum, MapField, Namespace, Root, Service, Type, type Field, type Method } from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { contracts } from './contract-table.js';

const PROTO_DIR = join(import.meta.dirname, '../../proto');

/** What one file declares, in the words of the table. */
interface Declared {
  readonly services: Record<string, string[]>;
  readonly enums: Record<string, string[]>;
  readonly messages: Record<string, string[]>;
}

const root = loadProtos();

it('has a table for every file, and a file for every table', () => {
  expect(Object.keys(contracts).sort()).toEqual(protoFiles().sort());
});

describe.each(Object.entries(contracts))('%s', (file, contract) => {
  const declared = declaredBy(file, contract.package);

  it.each(['services', 'enums', 'messages'] as const)('declares the %s of the table and no others', (kind) => {
    expect(Object.keys(declared[kind]).sort()).toEqual(Object.keys(contract[kind]).sort());
  });

  it.each(Object.entries(contract.services))('service %s', (name, rpcs) => {
    expect(declared.services[name]?.sort()).toEqual(lines(rpcs).sort());
  });

  it.each(Object.entries(contract.enums))('enum %s', (name, values) => {
    expect(declared.enums[name]).toEqual(lines(values));
  });

  it.each(Object.entries(contract.messages))('message %s', (name, fields) => {
    expect(declared.messages[name]).toEqual(lines(fields));
  });
});

function protoFiles(): string[] {
  return readdirSync(PROTO_DIR).filter((name) => name.endsWith('.proto'));
}

function loadProtos(): Root {
  const loaded = new Root();
  loaded.resolvePath = (_origin, target) => join(PROTO_DIR, target);
  loaded.loadSync(protoFiles(), { keepCase: true });
  loaded.resolveAll();
  return loaded;
}

function lines(text: string): string[] {
  return text
    .split(/[;\n]/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function declaredBy(file: string, packageName: string): Declared {
  const declared: Declared = { services: {}, enums: {}, messages: {} };
  collect(root, file, packageName, declared);
  return declared;
}

function collect(namespace: Namespace, file: string, packageName: string, into: Declared): void {
  for (const object of namespace.nestedArray) {
    if (object.filename !== null && basename(object.filename) === file) {
      const name = relativeName(object.fullName, packageName);
      if (object instanceof Type) into.messages[name] = fieldLines(object, packageName);
      else if (object instanceof Enum) into.enums[name] = valueLines(object);
      else if (object instanceof Service) into.services[name] = object.methodsArray.map((m) => rpcLine(m, packageName));
      else if (!(object instanceof Namespace)) throw new Error(`${file}: ${object.fullName} has no place in the table`);
    }
    if (object instanceof Namespace) collect(object, file, packageName, into);
  }
}

/** A name outside the package keeps its leading dot, and so never equals a line of the table. */
function relativeName(fullName: string, packageName: string): string {
  const prefix = `.${packageName}.`;
  return fullName.startsWith(prefix) ? fullName.slice(prefix.length) : fullName;
}

function fieldLines(type: Type, packageName: string): string[] {
  return [...type.fieldsArray].sort((a, b) => a.id - b.id).map((field) => fieldLine(field, packageName));
}

function fieldLine(field: Field, packageName: string): string {
  const value = field.resolvedType === null ? field.type : relativeName(field.resolvedType.fullName, packageName);
  const type = field instanceof MapField ? `map<${field.keyType}, ${value}>` : value;
  const rule = field.repeated ? 'repeated ' : field.required ? 'required ' : '';
  const oneof = field.partOf === null ? '' : ` in ${field.partOf.name}`;
  const packing = field.packed ? '' : ' unpacked';
  return `${rule}${type} ${field.name}=${field.id}${oneof}${packing}`;
}

function valueLines(values: Enum): string[] {
  return Object.entries(values.values)
    .sort(([, a], [, b]) => a - b)
    .map(([name, number]) => `${name}=${number}`);
}

function rpcLine(method: Method, packageName: string): string {
  const side = (streams: boolean | undefined, type: Type | null): string =>
    `${streams === true ? 'stream ' : ''}${type === null ? '?' : relativeName(type.fullName, packageName)}`;
  const request = side(method.requestStream, method.resolvedRequestType);
  return `${method.name}: ${request} -> ${side(method.responseStream, method.resolvedResponseType)}`;
}

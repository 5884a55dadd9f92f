import 'reflect-metadata';
import { IsOptional, ValidateBy } from './class-validator.js';

/** A class whose properties are keys of the environment; see the decorators in `keys.ts`. */
export type SectionClass<T extends object = object> = new () => T;

/** What is known of one key, for parsing and for the documentation. */
export interface KeyDefinition {
  /** One sentence; the documentation shows it. */
  readonly description: string;
  /** What may stand there; completes "use ...". */
  readonly allowed: string;
  /** A secret is never printed. */
  readonly secret: boolean;
  /** Whether the value can also come from the file that `<KEY>_FILE` names. */
  readonly fromFile: boolean;
  /** Turns text into the value; gives text that it cannot turn back as it is, for `accepts` to refuse. */
  readonly read: (text: string) => unknown;
  readonly accepts: (value: unknown) => boolean;
}

/** A property decorator that compiles only on properties of type `T`. */
export type KeyDecorator<T> = <K extends string>(section: { readonly [P in K]?: T | undefined }, key: K) => void;

const KEYS = Symbol('keys');

/** Declares a key; the decorators in `keys.ts` are made of it. Further class-validator decorators may stand beside. */
export function defineKey<T>(definition: KeyDefinition): KeyDecorator<T> {
  const validate = ValidateBy({
    name: 'allowed',
    validator: { validate: definition.accepts, defaultMessage: () => definition.allowed },
  });
  const optional = IsOptional();
  return (section, key) => {
    validate(section, key);
    optional(section, key);
    const target = section.constructor;
    Reflect.defineMetadata(KEYS, new Map(keysOf(target)).set(key, definition), target);
  };
}

/** The keys of a section in the order of their declaration. */
export function keysOf(section: object): ReadonlyMap<string, KeyDefinition> {
  const keys: ReadonlyMap<string, KeyDefinition> | undefined = Reflect.getMetadata(KEYS, section);
  return keys ?? new Map();
}

/** The key that names the file of a secret. */
export const fileKeyOf = (key: string): string => `${key}_FILE`;

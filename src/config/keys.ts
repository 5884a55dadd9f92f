import { isIP } from 'node:net';
import { isBoolean, isIn, isInt, isString, max, min } from './class-validator.js';
import { defineKey, type KeyDecorator, type KeyDefinition } from './section.js';

/** Any text. */
export const Text = (description: string): KeyDecorator<string> =>
  plain({ description, allowed: 'text', read: (text) => text, accepts: isString });

export interface SecretOptions {
  /** Whether `<KEY>_FILE` may name a file to read the value from, once at the start. Default: true. */
  readonly fromFile?: boolean;
}

/**
 * Text that is never printed. It can also come from the file that `<KEY>_FILE` names; its property is not enumerable,
 * so that neither `inspect` nor `JSON.stringify` shows it.
 */
export const Secret = (description: string, { fromFile = true }: SecretOptions = {}): KeyDecorator<string> =>
  defineKey({ description, allowed: 'text', secret: true, fromFile, read: (text) => text, accepts: isString });

/** A host name or an IP address, without a port. */
export const Host = (description: string): KeyDecorator<string> =>
  plain({
    description,
    allowed: 'a host name or an IP address',
    read: (text) => text,
    accepts: (value) => isString(value) && (isIP(value) !== 0 || HOST_NAME.test(value)),
  });

/** A TCP port; 0 lets the system choose. */
export const Port = (description: string): KeyDecorator<number> => Int(description, { min: 0, max: 65_535 });

export interface IntRange {
  readonly min: number;
  readonly max: number;
}

/** An integer in decimal digits, from `min` to `max`. */
export const Int = (description: string, range: IntRange): KeyDecorator<number> =>
  plain({
    description,
    allowed: `an integer from ${range.min} to ${range.max}`,
    read: (text) => (INTEGER.test(text) ? Number(text) : text),
    accepts: (value) => isInt(value) && min(value, range.min) && max(value, range.max),
  });

/** `true` or `false`, and no other word. */
export const Bool = (description: string): KeyDecorator<boolean> =>
  plain({
    description,
    allowed: 'true or false',
    read: (text) => (text === 'true' ? true : text === 'false' ? false : text),
    accepts: isBoolean,
  });

/** One of the words. */
export const OneOf = <const T extends string>(description: string, words: readonly T[]): KeyDecorator<T> =>
  plain({
    description,
    allowed: `one of ${words.join(', ')}`,
    read: (text) => text,
    accepts: (value) => isIn(value, words),
  });

/** Texts between commas; blanks around them do not count, nor do empty ones. */
export const List = (description: string): KeyDecorator<readonly string[]> =>
  plain({
    description,
    allowed: 'a list with commas between',
    read: (text) =>
      text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== ''),
    accepts: (value) => Array.isArray(value) && value.every(isString),
  });

const plain = <T>(definition: Omit<KeyDefinition, 'secret' | 'fromFile'>): KeyDecorator<T> =>
  defineKey({ ...definition, secret: false, fromFile: false });

const INTEGER = /^-?\d+$/;
const HOST_NAME = /^(?=.{1,253}$)[a-z\d](?:[a-z\d_-]*[a-z\d])?(?:\.[a-z\d](?:[a-z\d_-]*[a-z\d])?)*$/i;

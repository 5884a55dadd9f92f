import { isUtf8 } from 'node:buffer';
import { invalidArgument } from '../../../core/errors/catalogue.js';
import { ServingError } from '../../../core/errors/serving-error.js';
import { parseJson, parseJsonExactly } from '../../../core/json/parse-json.js';
import { fieldOf, isArray, isObject, type JsonObject, readObject } from './json-fields.js';

/**
 * Parses the JSON of an inference request. Of a key that stands twice the last one wins.
 *
 * Doubles are exact up to 2^53, so the text is scanned a second time, for every digit, only when a tensor of 64-bit
 * integers, or of texts, or a parameter holds a number beyond that.
 */
export function parseInferJson(json: Buffer): JsonObject {
  const text = readBodyText(json);
  const body = parse(text, parseJson);
  return losesDigits(body) ? parse(text, parseJsonExactly) : body;
}

/** Reads a body whose keys must not stand twice in the same object of the first two levels. */
export function parseUniqueJson(json: Buffer, repeated: (key: string) => never): JsonObject {
  const onRepeatedKey = (key: string, depth: number): void => {
    if (depth < 2) repeated(key);
  };
  return parse(readBodyText(json), (text) => parseJsonExactly(text, onRepeatedKey));
}

function readBodyText(json: Buffer): string {
  if (json.length === 0) throw unreadable('the body is empty');
  if (!isUtf8(json)) throw unreadable('the body is not UTF-8; send bytes that are not text as binary tensor data');
  const text = json.toString('utf8');
  if (text.startsWith('\ufeff')) throw unreadable('the body starts with a byte order mark');
  return text;
}

function parse(text: string, parser: (text: string) => unknown): JsonObject {
  let body: unknown;
  try {
    body = parser(text);
  } catch (error) {
    if (error instanceof ServingError) throw error;
    throw unreadable(`the body is not JSON, ${error instanceof Error ? error.message : String(error)}`);
  }
  return readObject(body, 'inputs', 'the body');
}

const unreadable = (problem: string) => invalidArgument(`Unable to parse 'inputs': ${problem}`);

/** Looks without judging: what has the wrong kind is found by those who read it. */
function losesDigits(body: JsonObject): boolean {
  const fields = [fieldOf(body, 'inputs'), fieldOf(body, 'outputs')];
  return losesParameter(fieldOf(body, 'parameters')) || fields.some(losesInTensors);
}

const losesInTensors = (list: unknown): boolean =>
  isArray(list) && list.some((tensor) => isObject(tensor) && losesInTensor(tensor));

function losesInTensor(tensor: JsonObject): boolean {
  const datatype = fieldOf(tensor, 'datatype');
  const exact = datatype === 'INT64' || datatype === 'UINT64' || datatype === 'BYTES';
  return (exact && holdsLargeNumber(fieldOf(tensor, 'data'))) || losesParameter(fieldOf(tensor, 'parameters'));
}

const losesParameter = (parameters: unknown): boolean =>
  isObject(parameters) && Object.values(parameters).some((value) => typeof value === 'number' && isLarge(value));

/** Walks nested arrays with a stack of its own: how deep they go is the caller's choice. */
function holdsLargeNumber(data: unknown): boolean {
  const pending = [isArray(data) ? data : [data]];
  for (let items = pending.pop(); items !== undefined; items = pending.pop()) {
    for (const item of items) {
      if (typeof item === 'number' && isLarge(item)) return true;
      if (isArray(item)) pending.push(item);
    }
  }
  return false;
}

const isLarge = (value: number): boolean => Number.isInteger(value) && !Number.isSafeInteger(value);

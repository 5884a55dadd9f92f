import { Injectable, type PipeTransform } from '@nestjs/common';
import { invalidArgument } from '../../core/errors/catalogue.js';
import { parseJson } from '../../core/json/parse-json.js';

/** Reads the small JSON bodies of the control plane whose keys are not known beforehand; an empty one is an empty object. */
@Injectable()
export class JsonObjectPipe implements PipeTransform<unknown, Readonly<Record<string, unknown>>> {
  transform(body: unknown): Readonly<Record<string, unknown>> {
    return parseObject(Buffer.isBuffer(body) ? body.toString('utf8') : '');
  }
}

/** Throws `invalid-argument` for what is no JSON object. */
export function parseObject(text: string): Record<string, unknown> {
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (failure) {
    throw invalidArgument(`failed to parse the request JSON: ${(failure as Error).message}`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw invalidArgument('the request body must be a JSON object');
}

import { Injectable, type PipeTransform } from '@nestjs/common';
import { validateSync } from 'class-validator';
import { invalidArgument } from '../../core/errors/catalogue.js';
import { parseJson } from '../../core/json/parse-json.js';

/**
 * Reads the small JSON bodies of the control plane into a class-validator class. An empty body is an empty object;
 * keys that the class does not declare are ignored, and never walked into.
 */
@Injectable()
export class ControlBodyPipe<T extends object> implements PipeTransform<unknown, T> {
  constructor(private readonly Body: new () => T) {}

  transform(body: unknown): T {
    const target = new this.Body();
    const source = parseObject(Buffer.isBuffer(body) ? body.toString('utf8') : '');
    for (const key of Object.keys(target)) {
      if (Object.hasOwn(source, key)) Object.assign(target, { [key]: source[key] });
    }
    const [problem] = validateSync(target, { forbidUnknownValues: false });
    const [text] = Object.values(problem?.constraints ?? {});
    if (text !== undefined) throw invalidArgument(text);
    return target;
  }
}

function parseObject(text: string): Record<string, unknown> {
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

import { Injectable, type PipeTransform } from '@nestjs/common';
import { validateSync } from '../../config/class-validator.js';
import { invalidArgument } from '../../core/errors/catalogue.js';
import { parseObject } from './json-object.pipe.js';

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

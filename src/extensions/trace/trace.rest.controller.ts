import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { invalidArgument } from '../../core/errors/catalogue.js';
import { Call, CallContext } from '../../protocol/call/call-context.js';
import { Family } from '../../protocol/call/operation.decorator.js';
import { Describe, json } from '../../protocol/rest/api/describe.decorator.js';
import { mapOf, NamedSchema } from '../../protocol/rest/api/schema.js';
import { JsonObjectPipe } from '../../protocol/rest/json-object.pipe.js';
import { type SettingsReport, TraceService } from './trace.service.js';

const SETTINGS = json(
  new NamedSchema('TraceSettings', mapOf({ type: ['string', 'array', 'null'], items: { type: 'string' } })),
);

@Family('trace')
@Controller('v2')
export class TraceRestController {
  constructor(private readonly trace: TraceService) {}

  @Get(['trace/setting', 'models/:model/trace/setting'])
  @Describe({ summary: 'The trace settings, of a model or of all', response: SETTINGS })
  async settings(@Call() call: CallContext, @Param('model') model = '') {
    return toJson(await this.trace.update(call, model, []));
  }

  @Post(['trace/setting', 'models/:model/trace/setting'])
  @HttpCode(200)
  @Describe({
    summary: 'Changes trace settings; null takes one back',
    request: SETTINGS,
    optionalRequest: true,
    response: SETTINGS,
  })
  async update(
    @Body(JsonObjectPipe) body: Readonly<Record<string, unknown>>,
    @Call() call: CallContext,
    @Param('model') model = '',
  ) {
    const given = Object.entries(body).map(([name, value]) => [name, textsOf(name, value)] as const);
    return toJson(await this.trace.update(call, model, given));
  }
}

/** The one setting that is a list. */
const LEVEL = 'trace_level';

const toJson = (report: SettingsReport): Record<string, unknown> =>
  Object.fromEntries(Object.entries(report).map(([name, value]) => [name, name === LEVEL ? value : value[0]]));

/** `null` takes a setting back, as an empty list does over gRPC. */
function textsOf(name: string, value: unknown): readonly string[] {
  if (value === null) return [];
  if (name !== LEVEL) {
    if (typeof value === 'string') return [value];
    throw invalidArgument(`Unable to parse '${name}': attempt to access JSON non-string as string`);
  }
  if (!Array.isArray(value)) {
    throw invalidArgument(`Unable to parse '${name}': attempt to access JSON non-array as array`);
  }
  const texts: readonly unknown[] = value;
  if (texts.every((text) => typeof text === 'string')) return texts;
  throw invalidArgument(`Unable to parse '${name}': attempt to access JSON non-string as string`);
}

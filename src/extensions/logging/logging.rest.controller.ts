import { Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import { Call, CallContext } from '../../protocol/call/call-context.js';
import { Family } from '../../protocol/call/operation.decorator.js';
import { Describe, json } from '../../protocol/rest/api/describe.decorator.js';
import { COUNT, FLAG, NamedSchema, objectOf, TEXT } from '../../protocol/rest/api/schema.js';
import { JsonObjectPipe } from '../../protocol/rest/json-object.pipe.js';
import type { WrongKind } from './log-change.js';
import { LoggingService } from './logging.service.js';

const FIELDS = {
  log_file: TEXT,
  log_info: FLAG,
  log_warning: FLAG,
  log_error: FLAG,
  log_verbose_level: COUNT,
  log_format: TEXT,
};
const SETTINGS = json(new NamedSchema('LogSettings', objectOf(FIELDS)));
const CHANGE = json(new NamedSchema('LogSettingsChange', objectOf(FIELDS, ...Object.keys(FIELDS))));

@Family('logging')
@Controller('v2/logging')
export class LoggingRestController {
  constructor(private readonly logging: LoggingService) {}

  @Get()
  @Describe({ summary: 'What the server logs', response: SETTINGS })
  settings(@Call() call: CallContext) {
    return this.logging.update(call, [], wrongKind);
  }

  /** `null` leaves a setting as it is. */
  @Post()
  @HttpCode(200)
  @Describe({ summary: 'Changes what the server logs', request: CHANGE, optionalRequest: true, response: SETTINGS })
  update(@Body(JsonObjectPipe) body: Readonly<Record<string, unknown>>, @Call() call: CallContext) {
    const given = Object.entries(body).filter(([, value]) => value !== null);
    return this.logging.update(call, given, wrongKind);
  }
}

const WORDS = { boolean: 'boolean', integer: 'unsigned-integer', string: 'string' } as const;

const wrongKind: WrongKind = (name, kind) =>
  `Unable to parse '${name}': attempt to access JSON non-${WORDS[kind]} as ${WORDS[kind]}`;

import { inspect } from 'node:util';
import { ConsoleLogger, Injectable, type LogLevel } from '@nestjs/common';
import type { LogSettings, ServerLog } from '../core/logging/server-log.js';
import { escapeControls, indentLines } from './control-characters.js';
import { LogConfig } from './log.config.js';

/**
 * The logger of the server: lines for people, or one JSON object to a line. Whatever it is given, one record is one
 * line; only a stack trace follows its record in text, indented.
 */
@Injectable()
export class StructuredLogger extends ConsoleLogger implements ServerLog {
  settings: LogSettings;

  constructor({ LOG_LEVEL, LOG_FORMAT }: LogConfig) {
    const json = LOG_FORMAT === 'json';
    super({
      json,
      compact: true,
      flattenParams: true,
      colors: !json && (process.stdout.isTTY ? process.stdout.hasColors() : false),
    });
    const severity = LEVELS.indexOf(LOG_LEVEL);
    this.settings = {
      error: true,
      warning: severity >= LEVELS.indexOf('warn'),
      info: severity >= LEVELS.indexOf('info'),
      verboseLevel: Math.max(0, severity - LEVELS.indexOf('info')),
      format: 'default',
    };
  }

  change(settings: Partial<LogSettings>): void {
    this.settings = { ...this.settings, ...settings };
  }

  override isLevelEnabled(level: LogLevel): boolean {
    const { info, warning, error, verboseLevel } = this.settings;
    switch (level) {
      case 'log':
        return info;
      case 'warn':
        return warning;
      case 'error':
      case 'fatal':
        return error;
      case 'debug':
        return verboseLevel >= 1;
      case 'verbose':
        return verboseLevel >= 2;
    }
  }

  protected override getTimestamp(): string {
    return this.settings.format === 'default' ? super.getTimestamp() : new Date().toISOString();
  }

  /** What Nest says of its own start is for whoever debugs that. */
  override log(message: unknown, ...rest: unknown[]): void {
    if (FRAMEWORK.has(rest.at(-1))) super.debug(message, ...rest);
    else super.log(message, ...rest);
  }

  /** What ends the start is thrown as well, and told by whoever has started the server. */
  override error(message: unknown, ...rest: unknown[]): void {
    const context = rest.at(-1);
    if (context === 'ExceptionHandler') super.debug(message, context);
    else super.error(message, ...rest);
  }

  protected override stringifyMessage(message: unknown, level: LogLevel): string {
    const resolved = this.resolveMessage(message);
    const text =
      typeof resolved === 'string'
        ? escapeControls(resolved)
        : resolved instanceof Error
          ? indentLines(inspect(resolved))
          : inspectOnOneLine(resolved);
    return this.colorize(text, level);
  }

  protected override stringifyParams(params: Record<string, unknown>): string {
    return inspectOnOneLine(params);
  }

  protected override formatContext(context: string): string {
    return super.formatContext(escapeControls(context));
  }

  protected override printStackTrace(stack: string | undefined): void {
    if (stack !== undefined) super.printStackTrace(`    ${indentLines(stack)}`);
  }

  protected override stringifyJsonLogObject(record: Record<string, unknown>): string {
    // `log` is Nest's own word; what reads logs knows `info`.
    const level = record['level'] === 'log' ? 'info' : record['level'];
    const timestamp = this.settings.format === 'default' ? record['timestamp'] : this.getTimestamp();
    return escapeControls(super.stringifyJsonLogObject({ ...record, level, timestamp }));
  }
}

/** The levels of LOG_LEVEL, each with those before it. */
const LEVELS = ['error', 'warn', 'info', 'debug', 'verbose'] as const satisfies readonly LogConfig['LOG_LEVEL'][];

const inspectOnOneLine = (value: unknown): string =>
  escapeControls(inspect(value, { compact: true, breakLength: Infinity }));

const FRAMEWORK: ReadonlySet<unknown> = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
  'NestMicroservice',
]);

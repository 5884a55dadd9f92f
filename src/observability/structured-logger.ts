import { inspect } from 'node:util';
import { ConsoleLogger, Injectable, type LogLevel } from '@nestjs/common';
import { escapeControls, indentLines } from './control-characters.js';
import { LogConfig } from './log.config.js';

/**
 * The logger of the server: lines for people, or one JSON object to a line. Whatever it is given, one record is one
 * line; only a stack trace follows its record in text, indented.
 */
@Injectable()
export class StructuredLogger extends ConsoleLogger {
  constructor({ LOG_LEVEL, LOG_FORMAT }: LogConfig) {
    const json = LOG_FORMAT === 'json';
    super({
      logLevels: [LOG_LEVEL === 'info' ? 'log' : LOG_LEVEL],
      json,
      compact: true,
      flattenParams: true,
      colors: !json && (process.stdout.isTTY ? process.stdout.hasColors() : false),
    });
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
    return escapeControls(super.stringifyJsonLogObject({ ...record, level }));
  }
}

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

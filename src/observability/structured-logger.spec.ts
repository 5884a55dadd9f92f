import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LogConfig } from './log.config.js';
import { StructuredLogger } from './structured-logger.js';

/** Forges a record, clears the screen in two ways, and turns the rest around. */
const HOSTILE = 'iris\n[Nest] forged\r\u001b[2J\u009b2J\u2028\u202eend';
const UNSAFE = /[\p{Cc}\u2028\u202e]/u;

let written: string;

beforeEach(() => {
  written = '';
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      written += String(chunk);
      return true;
    });
  }
});

afterEach(() => {
  vi.restoreAllMocks();
});

const logger = (settings: Partial<LogConfig> = {}) =>
  new StructuredLogger({ LOG_LEVEL: 'info', LOG_FORMAT: 'text', ...settings });

const record = (): Record<string, unknown> => JSON.parse(written);

describe.each(['text', 'json'] as const)('as %s', (LOG_FORMAT) => {
  it('writes one safe line, whatever it is given', () => {
    const log = logger({ LOG_FORMAT });
    log.log(HOSTILE);
    log.log({ [HOSTILE]: HOSTILE });
    log.log([HOSTILE]);
    log.warn('call', { model: HOSTILE, cause: new Error(HOSTILE) }, HOSTILE);
    const lines = written.split('\n');
    expect(lines).toHaveLength(5);
    expect(lines.join('')).not.toMatch(UNSAFE);
  });
});

describe('as text', () => {
  it('shows what was escaped', () => {
    logger().log('a\nb\u001b[31m\u009b', { model: 'c\nd' }, 'Demo');
    expect(written).toContain(String.raw`[Demo] a\nb\u001b[31m\u009b { model: 'c\nd' }`);
  });

  it('indents stack traces, so that none of their lines can pass for a record', () => {
    const error = new Error('no\n[Nest] forged\u001b[2J');
    logger().error(error);
    logger().error('failed', error.stack, 'Demo');
    const records = written.split('\n').filter((line) => line.startsWith('['));
    expect(records).toHaveLength(2);
    expect(written).toContain(String.raw`    [Nest] forged\u001b[2J`);
  });
});

it('leaves what ends the start to who started the server, but for those who debug it', () => {
  logger().error(new Error('no such key'), undefined, 'ExceptionHandler');
  expect(written).toBe('');
  logger({ LOG_LEVEL: 'debug' }).error(new Error('no such key'), undefined, 'ExceptionHandler');
  expect(written).toContain('no such key');
});

describe('as JSON', () => {
  it('keeps every text as it was', () => {
    logger({ LOG_FORMAT: 'json' }).log('call', { model: HOSTILE }, 'Demo');
    expect(record()).toMatchObject({ level: 'info', message: 'call', context: 'Demo', model: HOSTILE });
  });

  it('takes a stack trace into the record', () => {
    logger({ LOG_FORMAT: 'json' }).error('failed', new Error(HOSTILE).stack, 'Demo');
    expect(record()).toMatchObject({ level: 'error', context: 'Demo', stack: expect.stringContaining(HOSTILE) });
  });
});

it.each([
  ['error', ['error', 'fatal']],
  ['warn', ['warn', 'error', 'fatal']],
  ['info', ['log', 'warn', 'error', 'fatal']],
  ['debug', ['debug', 'log', 'warn', 'error', 'fatal']],
  ['verbose', ['verbose', 'debug', 'log', 'warn', 'error', 'fatal']],
] as const)('LOG_LEVEL=%s enables %j', (LOG_LEVEL, enabled) => {
  const log = logger({ LOG_LEVEL });
  const levels = ['verbose', 'debug', 'log', 'warn', 'error', 'fatal'] as const;
  expect(levels.filter((level) => log.isLevelEnabled(level))).toEqual(enabled);
});

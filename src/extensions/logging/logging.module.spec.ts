import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { serve, type TestServer } from '#testing';
import { captureLog } from '../../../test/support/captured-log.js';
import { type Answer, get, post, rpc, type Wire, WIRES } from '../../../test/support/wires.js';

const log = captureLog();

const INITIAL = {
  log_file: '',
  log_info: true,
  log_warning: true,
  log_error: true,
  log_verbose_level: 0,
  log_format: 'default',
};

type Given = Readonly<Record<string, boolean | number | string>>;

const toMessage = (value: Given[string]) =>
  typeof value === 'boolean'
    ? { bool_param: value }
    : typeof value === 'number'
      ? { uint32_param: value }
      : { string_param: value };

/** Reads or changes the settings, over either wire. */
const ask: Readonly<Record<Wire, (given?: Given) => Promise<Answer>>> = {
  grpc: (given = {}) => {
    const settings = Object.entries(given).map(([name, value]) => [name, toMessage(value)]);
    return rpc('LogSettings', { settings: Object.fromEntries(settings) })(server);
  },
  rest: (given) => (given === undefined ? get('/v2/logging') : post('/v2/logging', given))(server),
};

/** The same shape for both wires. */
function settingsIn({ reply, message }: Answer): object {
  if (reply === undefined) throw new Error(message);
  const { settings } = reply as { settings?: Readonly<Record<string, Readonly<Record<string, unknown>>>> };
  if (settings === undefined) return reply as object;
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [name, value[value['parameter_choice'] as string]]),
  );
}

let server: TestServer;
let audit: string;

beforeAll(async () => {
  audit = mkdtempSync(join(tmpdir(), 'logging-'));
  server = await serve([], { environment: { LOG_LEVEL: 'info', AUDIT_LOG: join(audit, 'audit') } });
});

afterAll(async () => {
  await server.close();
  rmSync(audit, { recursive: true });
});

beforeEach(async () => {
  const { log_file: _, ...settings } = INITIAL;
  await ask.rest(settings);
});

/** What of a message of each level is logged, by the first letter. */
function logged(): string {
  const logger = new Logger('Probe');
  const before = log().length;
  logger.verbose('a verbose message');
  logger.debug('a debug message');
  logger.log('an info message');
  logger.warn('a warn message');
  logger.error('an error message');
  return [
    ...log()
      .slice(before)
      .matchAll(/an? (\w)\w+ message/g),
  ]
    .map(([, letter]) => letter)
    .join('');
}

describe.each(WIRES)('log settings over %s', (wire) => {
  const change = async (given: Given) => settingsIn(await ask[wire](given));
  const read = async () => settingsIn(await ask[wire]());

  it('are those of the start, in the order of Triton', async () => {
    expect(await read()).toEqual(INITIAL);
    if (wire === 'rest') expect(Object.keys(await read())).toEqual(Object.keys(INITIAL));
    expect(logged()).toBe('iwe');
  });

  it.each<[Given, string]>([
    [{ log_info: false }, 'we'],
    [{ log_warning: false }, 'ie'],
    [{ log_error: false }, 'iw'],
    [{ log_info: false, log_warning: false, log_error: false }, ''],
    [{ log_verbose_level: 1 }, 'diwe'],
    [{ log_verbose_level: 2, log_info: false }, 'vdwe'],
    [{ log_verbose_level: 4_294_967_295 }, 'vdiwe'],
  ])('hold at once: %j', async (given, letters) => {
    expect(await change(given)).toEqual({ ...INITIAL, ...given });
    expect(logged()).toBe(letters);
    expect(await read()).toEqual({ ...INITIAL, ...given });
  });

  it('silence the line of each call, too', async () => {
    await server.rest.get('/v2');
    expect(log()).toContain('GET /v2 ok');
    await change({ log_info: false });
    const before = log().length;
    await server.rest.get('/v2');
    expect(log().slice(before)).not.toContain('GET /v2 ok');
  });

  it('write moments by ISO 8601', async () => {
    const moment = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/;
    new Logger('Probe').log('before');
    expect(log()).not.toMatch(moment);
    expect(await change({ log_format: 'ISO8601' })).toEqual({ ...INITIAL, log_format: 'ISO8601' });
    const before = log().length;
    new Logger('Probe').log('after');
    expect(log().slice(before)).toMatch(moment);
  });

  it('have the names of the documentation, too', async () => {
    const given = { log_warnings: false, log_errors: false };
    expect(await change(given)).toEqual({ ...INITIAL, log_warning: false, log_error: false });
  });

  const INVALID = { grpc: 'INVALID_ARGUMENT', rest: 400 }[wire];
  const wrong = (name: string, grpc: string, rest: string) =>
    wire === 'grpc'
      ? `expect ${grpc} for '${name}'`
      : `Unable to parse '${name}': attempt to access JSON non-${rest} as ${rest}`;

  it.each<[Given, string]>([
    [{ log_info: 'no' }, wrong('log_info', 'boolean', 'boolean')],
    [{ log_warning: 0 }, wrong('log_warning', 'boolean', 'boolean')],
    [{ log_error: '' }, wrong('log_error', 'boolean', 'boolean')],
    [{ log_verbose_level: '1' }, wrong('log_verbose_level', 'int32', 'unsigned-integer')],
    [{ log_format: true }, wrong('log_format', 'string', 'string')],
    [{ log_format: 'rhyme' }, 'invalid argument for log_format, got: rhyme: use default or ISO8601'],
    [{ nope: true }, "unknown log setting 'nope': use log_info, log_warning, log_error, log_verbose_level, log_format"],
  ])('that cannot be are refused, and change nothing: %j', async (given, message) => {
    expect(await ask[wire]({ log_info: false, ...given })).toMatchObject({ status: INVALID, message });
    expect(await read()).toEqual(INITIAL);
  });

  it.each(['/etc/passwd', '../../outside', ''])('name no file (A05): %j', async (path) => {
    expect(await ask[wire]({ log_info: false, log_file: path })).toMatchObject({
      status: { grpc: 'UNIMPLEMENTED', rest: 501 }[wire],
      message: 'log file location can not be updated through network protocol',
    });
    expect(await read()).toEqual(INITIAL);
  });
});

it.each([
  [{ log_verbose_level: -1 }, 400],
  [{ log_verbose_level: 1.5 }, 400],
  [{ log_verbose_level: 4_294_967_296 }, 400],
  [[true], 400],
  [{ log_info: null, log_file: null }, 200],
])('over REST %j is answered with %i', async (body, status) => {
  expect((await post('/v2/logging', body)(server)).status).toBe(status);
  expect(settingsIn(await ask.rest())).toEqual(INITIAL);
});

it('gRPC refuses a setting without a value', async () => {
  const answer = await rpc('LogSettings', { settings: { log_info: {} } })(server);
  expect(answer).toMatchObject({ status: 'INVALID_ARGUMENT', message: "expect boolean for 'log_info'" });
});

it('starts with what LOG_LEVEL and LOG_FORMAT say', async () => {
  await using quiet = await serve([], { environment: { LOG_LEVEL: 'warn', LOG_FORMAT: 'json' } });
  const { reply } = await get('/v2/logging')(quiet);
  expect(reply).toEqual({ ...INITIAL, log_info: false });
  new Logger('Probe').warn('first');
  await post('/v2/logging', { log_format: 'ISO8601', log_verbose_level: 2 })(quiet);
  new Logger('Probe').verbose('second');
  const lines = log().trimEnd().split('\n').slice(-2);
  const records = lines.map((line) => JSON.parse(line) as { message: string; timestamp: unknown });
  expect(records.find(({ message }) => message === 'second')?.timestamp).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  expect(log()).toMatch(/"timestamp":\d+,.*"message":"first"/);
});

it('records changes, and no looks', async () => {
  const operations = () =>
    readFileSync(join(audit, 'audit'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { operation: string }).operation);
  const ofRpc = () => operations().filter((operation) => operation.endsWith('/LogSettings'));
  const before = ofRpc().length;
  for (const wire of WIRES) await ask[wire]();
  await ask.grpc({ log_info: true });
  await server.rest.post('/v2/repository/models/nobody/unload');
  await expect.poll(() => operations().at(-1)).toContain('unload');
  expect(ofRpc()).toHaveLength(before + 1);
  expect(operations()).toContain('POST /v2/logging');
  expect(operations()).not.toContain('GET /v2/logging');
});

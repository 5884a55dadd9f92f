import { invalidArgument, unimplemented } from '../../core/errors/catalogue.js';
import type { LogSettings } from '../../core/logging/server-log.js';

/** A setting as a wire brings it; `undefined` where it has a name and no value. */
export type GivenLogSettings = readonly (readonly [name: string, value: unknown])[];

/** Names a value that is of the wrong kind, in the words of the wire that brought it. */
export type WrongKind = (name: string, kind: 'boolean' | 'integer' | 'string') => string;

type Change = { -readonly [K in keyof LogSettings]?: LogSettings[K] };
type Reader = (name: string, value: unknown, wrongKind: WrongKind) => Change;

/** Triton's documentation has two names in the plural; its server, and its clients, in the singular. */
const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['log_info', (...given) => ({ info: readBoolean(...given) })],
  ['log_warning', (...given) => ({ warning: readBoolean(...given) })],
  ['log_warnings', (...given) => ({ warning: readBoolean(...given) })],
  ['log_error', (...given) => ({ error: readBoolean(...given) })],
  ['log_errors', (...given) => ({ error: readBoolean(...given) })],
  ['log_verbose_level', (...given) => ({ verboseLevel: readLevel(...given) })],
  ['log_format', (...given) => ({ format: readFormat(...given) })],
]);

const NAMES = 'log_info, log_warning, log_error, log_verbose_level, log_format';
const MAX_UINT32 = 4_294_967_295;

/** Throws a `ServingError` for the first setting that cannot be. */
export function readLogChange(settings: GivenLogSettings, wrongKind: WrongKind): Partial<LogSettings> {
  const change: Change = {};
  for (const [name, value] of settings) {
    // A caller could write to any file of the server.
    if (name === 'log_file') throw unimplemented('log file location can not be updated through network protocol');
    const read = READERS.get(name);
    if (read === undefined) throw invalidArgument(`unknown log setting '${name}': use ${NAMES}`);
    Object.assign(change, read(name, value, wrongKind));
  }
  return change;
}

function readBoolean(name: string, value: unknown, wrongKind: WrongKind): boolean {
  if (typeof value === 'boolean') return value;
  throw invalidArgument(wrongKind(name, 'boolean'));
}

function readLevel(name: string, value: unknown, wrongKind: WrongKind): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_UINT32) return value;
  throw invalidArgument(wrongKind(name, 'integer'));
}

function readFormat(name: string, value: unknown, wrongKind: WrongKind): LogSettings['format'] {
  if (typeof value !== 'string') throw invalidArgument(wrongKind(name, 'string'));
  if (value === 'default' || value === 'ISO8601') return value;
  throw invalidArgument(`invalid argument for log_format, got: ${value}: use default or ISO8601`);
}

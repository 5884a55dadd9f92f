import { invalidArgument, unimplemented } from '../../../core/errors/catalogue.js';
import { TRACE_LEVELS, type TraceChange, type TraceLevel } from './trace-values.js';

/** Settings as a wire brings them: each a list of texts, an empty one to take the setting back. */
export type GivenSettings = readonly (readonly [name: string, values: readonly string[]])[];

interface Bounds {
  readonly min: number;
  readonly max: number;
}

const UINT32: Bounds = { min: 0, max: 4_294_967_295 };
const COUNT: Bounds = { min: -1, max: 2_147_483_647 };

/** Reads one setting. */
const READERS = new Map<string, (values: readonly string[]) => TraceChange>([
  ['trace_level', (values) => ({ levels: readLevels(values) })],
  ['trace_rate', (values) => ({ rate: readInteger('trace_rate', values, UINT32) })],
  ['trace_count', (values) => ({ count: readCount(values) })],
  ['log_frequency', (values) => ({ logFrequency: readInteger('log_frequency', values, UINT32) })],
]);

/** Where traces are written is for the operator alone to say: a caller could write to any file of the server. */
const FIXED: ReadonlyMap<string, string> = new Map([
  ['trace_file', 'trace file location can not be updated through network protocol'],
  ['trace_mode', 'trace mode can not be updated through network protocol'],
]);

/** Throws a `ServingError` for the first setting that cannot be. */
export function readTraceChange(settings: GivenSettings): TraceChange {
  return Object.assign({}, ...settings.map(([name, values]) => readSetting(name, values))) as TraceChange;
}

function readSetting(name: string, values: readonly string[]): TraceChange {
  const fixed = FIXED.get(name);
  if (fixed !== undefined) throw unimplemented(fixed);
  const read = READERS.get(name);
  if (read !== undefined) return read(values);
  throw invalidArgument(`unknown trace setting '${name}': use ${[...READERS.keys()].join(', ')}`);
}

function readLevels(values: readonly string[]): readonly TraceLevel[] | null {
  if (values.length === 0) return null;
  if (values.includes('OFF')) {
    if (values.length === 1) return [];
    throw invalidArgument("Expect only one trace level 'OFF' is specified");
  }
  const unknown = values.find((value) => !(TRACE_LEVELS as readonly string[]).includes(value));
  if (unknown === undefined) return TRACE_LEVELS.filter((level) => values.includes(level));
  throw invalidArgument(`Unable to parse 'trace_level', got: ${unknown}: use OFF, ${TRACE_LEVELS.join(' or ')}`);
}

function readCount(values: readonly string[]): number | null {
  const [text = ''] = values;
  if (INTEGER.test(text) && values.length === 1 && Number(text) < COUNT.min) {
    throw invalidArgument(`Unable to parse 'trace_count'. Expecting value >= ${COUNT.min}, got: ${text}`);
  }
  return readInteger('trace_count', values, COUNT);
}

function readInteger(name: string, values: readonly string[], { min, max }: Bounds): number | null {
  const [text, second] = values;
  if (text === undefined) return null;
  if (second !== undefined) throw invalidArgument(`expect only 1 value for '${name}'`);
  if (!INTEGER.test(text)) throw invalidArgument(`Unable to parse '${name}', got: ${text}`);
  const value = Number(text);
  if (value >= min && value <= max) return value;
  throw invalidArgument(`Unable to parse '${name}', value is out of range [ ${min}, ${max} ], got: ${text}`);
}

const INTEGER = /^[+-]?\d+$/;

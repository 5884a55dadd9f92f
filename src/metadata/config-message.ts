import type { ModelConfig } from '../core/model/model-config.js';

/** A configuration as each wire takes it: 64-bit integers that are no safe numbers stand in it as bigints. */

/** Such integers as texts. */
export const configMessage = (config: ModelConfig): object =>
  JSON.parse(write(config, (integer) => `"${integer}"`)) as object;

/** Such integers as the numbers that they are, with all of their digits. */
export const configJson = (config: ModelConfig): string => write(config, String);

function write(value: unknown, integer: (value: bigint) => string): string {
  if (typeof value === 'bigint') return integer(value);
  if (Array.isArray(value)) return `[${value.map((item) => write(item, integer)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}:${write(item, integer)}`)
    .join(',')}}`;
}

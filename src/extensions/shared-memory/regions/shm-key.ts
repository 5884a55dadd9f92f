import { invalidArgument } from '../../../core/errors/catalogue.js';
import type { ServingError } from '../../../core/errors/serving-error.js';

/** What lies beside shared memory, and belongs to others: Triton's own regions, and semaphores. */
const RESERVED_PREFIXES = ['triton_python_backend_shm_region_', 'sem.'] as const;

/** The longest name of a file, and of a key with its slash. */
const MAX_BYTES = 255;

/** The name of the file behind a key such as `/input`. Throws `invalid-argument` for a key that is none, or reserved. */
export function fileOfKey(key: string, region: string): string {
  const name = key.replace(/^\/+/, '');
  if (Buffer.byteLength(key) > MAX_BYTES) throw wrongKey(region, `${key.slice(0, MAX_BYTES)}…`);
  const prefix = RESERVED_PREFIXES.find((reserved) => name.startsWith(reserved));
  if (prefix !== undefined) {
    throw invalidArgument(
      `cannot register shared memory region '${region}' with key '${key}' as the key contains the reserved prefix '${prefix}'`,
    );
  }
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) throw wrongKey(region, key);
  return name;
}

const wrongKey = (region: string, key: string): ServingError =>
  invalidArgument(`cannot register shared memory region '${region}' - invalid shm key '${key}'`);

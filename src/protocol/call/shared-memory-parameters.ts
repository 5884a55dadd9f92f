import { invalidArgument } from '../../core/errors/catalogue.js';
import type { ServingError } from '../../core/errors/serving-error.js';
import type { Parameters, ParameterValue } from '../../core/inference/parameters.js';
import { type RegionSlice, SHARED_MEMORY_KEYS } from '../../core/inference/shared-tensors.js';
import { MAX_ELEMENTS } from '../../core/tensor/shape.js';

const REGION = 'shared_memory_region';
const OFFSET = 'shared_memory_offset';
const BYTE_SIZE = 'shared_memory_byte_size';

/** Whether a parameter of a tensor says that its contents are in shared memory. */
export const isSharedMemoryKey = (name: string): boolean => name.startsWith(SHARED_MEMORY_KEYS);

/** Where the parameters of a tensor say that its contents are; `undefined` where they say nothing of it. */
export function readRegionSlice(parameters: Parameters, tensor: string): RegionSlice | undefined {
  const region = parameters.get(REGION);
  const offset = parameters.get(OFFSET);
  const byteSize = parameters.get(BYTE_SIZE);
  if (region === undefined) {
    if (offset !== undefined) throw withoutRegion(OFFSET, tensor);
    if (byteSize !== undefined) throw withoutRegion(BYTE_SIZE, tensor);
    return undefined;
  }
  if (typeof region !== 'string') throw wrongType(REGION, tensor, 'string_param');
  if (byteSize === undefined) {
    throw invalidArgument(`'${BYTE_SIZE}' must be specified along with '${REGION}' parameter for tensor '${tensor}'`);
  }
  if (parameters.has('classification')) {
    throw invalidArgument(`output '${tensor}' cannot have its classes in shared memory: ask for one of the two`);
  }
  const from = readInteger(offset ?? 0, OFFSET, tensor);
  const size = readInteger(byteSize, BYTE_SIZE, tensor);
  if (from < 0) throw beyondRegion('offset', region);
  if (size < 0) throw beyondRegion('offset + byte size', region);
  if (from + size > BigInt(MAX_ELEMENTS)) {
    throw invalidArgument(
      `Integer overflow detected: byte_size ${size} + offset ${from} exceeds ${MAX_ELEMENTS} for shared memory region: '${region}'`,
    );
  }
  return { region, offset: Number(from), byteSize: Number(size) };
}

/** The error for a slice that does not lie in its region. */
export const beyondRegion = (what: 'offset' | 'offset + byte size', region: string): ServingError =>
  invalidArgument(`Invalid ${what} for shared memory region: '${region}'`);

function readInteger(value: ParameterValue, name: string, tensor: string): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  throw wrongType(name, tensor, 'int64_param');
}

const wrongType = (name: string, tensor: string, wanted: string): ServingError =>
  invalidArgument(`invalid value type for '${name}' parameter for tensor '${tensor}', expected ${wanted}.`);

const withoutRegion = (name: string, tensor: string): ServingError =>
  invalidArgument(`'${name}' can not be specified without '${REGION}' parameter for tensor '${tensor}'`);

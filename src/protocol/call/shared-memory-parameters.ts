import { invalidArgument } from '../../core/errors/catalogue.js';
import { tensorField } from '../../core/errors/request-field.js';
import type { ServingError } from '../../core/errors/serving-error.js';
import type { Parameters, ParameterValue } from '../../core/inference/parameters.js';
import { type RegionSlice, SHARED_MEMORY_KEYS } from '../../core/inference/shared-tensors.js';
import { MAX_ELEMENTS } from '../../core/tensor/shape.js';

const REGION = 'shared_memory_region';
const OFFSET = 'shared_memory_offset';
const BYTE_SIZE = 'shared_memory_byte_size';

/** Whether a parameter of a tensor says that its contents are in shared memory. */
export const isSharedMemoryKey = (name: string): boolean => name.startsWith(SHARED_MEMORY_KEYS);

/** Which tensor, for the errors: its name, and the list that it stands in. */
interface TensorPlace {
  readonly tensor: string;
  readonly list: 'inputs' | 'outputs';
}

/** Where the parameters of a tensor say that its contents are; `undefined` where they say nothing of it. */
export function readRegionSlice(
  parameters: Parameters,
  tensor: string,
  list: TensorPlace['list'],
): RegionSlice | undefined {
  const region = parameters.get(REGION);
  const offset = parameters.get(OFFSET);
  const byteSize = parameters.get(BYTE_SIZE);
  if (region === undefined && offset === undefined && byteSize === undefined) return undefined;
  const place = { tensor, list };
  if (region === undefined) throw withoutRegion(offset === undefined ? BYTE_SIZE : OFFSET, place);
  if (typeof region !== 'string') throw wrongType(REGION, place, 'string_param');
  if (byteSize === undefined) {
    throw refused(`'${BYTE_SIZE}' must be specified along with '${REGION}' parameter for tensor '${tensor}'`, place);
  }
  if (parameters.has('classification')) {
    throw refused(`output '${tensor}' cannot have its classes in shared memory: ask for one of the two`, place);
  }
  const from = readInteger(offset ?? 0, OFFSET, place);
  const size = readInteger(byteSize, BYTE_SIZE, place);
  if (from < 0) throw beyondRegion('offset', region);
  if (size < 0) throw beyondRegion('offset + byte size', region);
  if (from + size > BigInt(MAX_ELEMENTS)) {
    throw refused(
      `Integer overflow detected: byte_size ${size} + offset ${from} exceeds ${MAX_ELEMENTS} for shared memory region: '${region}'`,
      place,
    );
  }
  return { region, offset: Number(from), byteSize: Number(size) };
}

/** The error for a slice that does not lie in its region. */
export const beyondRegion = (what: 'offset' | 'offset + byte size', region: string): ServingError =>
  invalidArgument(`Invalid ${what} for shared memory region: '${region}'`);

function readInteger(value: ParameterValue, name: string, place: TensorPlace): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  throw wrongType(name, place, 'int64_param');
}

const refused = (message: string, { tensor, list }: TensorPlace): ServingError =>
  invalidArgument(message, tensorField(list, tensor, 'parameters'));

const wrongType = (name: string, place: TensorPlace, wanted: string): ServingError =>
  refused(`invalid value type for '${name}' parameter for tensor '${place.tensor}', expected ${wanted}.`, place);

const withoutRegion = (name: string, place: TensorPlace): ServingError =>
  refused(`'${name}' can not be specified without '${REGION}' parameter for tensor '${place.tensor}'`, place);

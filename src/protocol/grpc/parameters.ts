import { invalidArgument } from '../../core/errors/catalogue.js';
import { parameterField } from '../../core/errors/request-field.js';
import { NO_PARAMETERS, type Parameters, type ParameterValue } from '../../core/inference/parameters.js';
import type { InferParameter, ParameterMap } from './messages.js';

const INT64_MAX = 2n ** 63n - 1n;

/** Whether a number travels as an integer; negative zero would lose its sign. */
export const isWhole = (value: number): boolean => Number.isSafeInteger(value) && !Object.is(value, -0);

/** Whether an integer fits `uint64_param` alone. */
export const isUnsigned64 = (value: bigint): boolean => value > INT64_MAX;

/** The field is the path of the parameters in the message. */
export function decodeParameters(map: ParameterMap | undefined, where: string, field?: string): Parameters {
  if (map === undefined) return NO_PARAMETERS;
  return new Map(Object.entries(map).map(([name, value]) => [name, decodeParameter(value, name, where, field)]));
}

function decodeParameter(parameter: InferParameter, name: string, where: string, field?: string): ParameterValue {
  const integer = choice(parameter, 'int64_param') ?? choice(parameter, 'uint64_param');
  if (integer !== undefined) return Number.isSafeInteger(Number(integer)) ? Number(integer) : BigInt(integer);
  const value =
    choice(parameter, 'bool_param') ?? choice(parameter, 'string_param') ?? choice(parameter, 'double_param');
  if (value === undefined) {
    throw invalidArgument(
      `parameter '${name}' of ${where} has no value: set one of its choices`,
      parameterField(name, field),
    );
  }
  return value;
}

/** Of the choices, a parameter has only the one that was sent: the others are not looked for beyond it. */
const choice = <C extends keyof InferParameter>(parameter: InferParameter, name: C): InferParameter[C] | undefined =>
  Object.hasOwn(parameter, name) ? parameter[name] : undefined;

export function encodeParameters(parameters: Parameters): ParameterMap {
  const map = Object.create(null) as Record<string, InferParameter>;
  for (const [name, value] of parameters) map[name] = encodeParameter(value);
  return map;
}

/** Whole numbers travel as 64-bit integers, which every dialect of the protocol knows. */
function encodeParameter(value: ParameterValue): InferParameter {
  switch (typeof value) {
    case 'boolean':
      return { bool_param: value };
    case 'string':
      return { string_param: value };
    case 'bigint':
      return isUnsigned64(value) ? { uint64_param: value.toString() } : { int64_param: value.toString() };
    case 'number':
      return isWhole(value) ? { int64_param: value } : { double_param: value };
  }
}

/**
 * The value of a request, response or tensor parameter. A bigint is an integer beyond 2^53; numbers with a fraction
 * travel as doubles, others as 64-bit integers.
 */
export type ParameterValue = string | number | bigint | boolean;

/** Parameters by name, in the order in which they came. */
export type Parameters = ReadonlyMap<string, ParameterValue>;

export const NO_PARAMETERS: Parameters = new Map();

import { invalidArgument } from '../../core/errors/catalogue.js';
import { parameterField } from '../../core/errors/request-field.js';
import type { Parameters } from '../../core/inference/parameters.js';

const RESERVED = 'triton_';
const ALLOWED = 'triton_enable_empty_final_response';

/** Keys that start with `triton_` belong to the protocol; callers may set one of them. */
export function refuseReservedParameters(parameters: Parameters): void {
  for (const name of parameters.keys()) {
    if (name.startsWith(RESERVED) && name !== ALLOWED) {
      throw invalidArgument(
        `parameter '${name}': parameter keys starting with '${RESERVED}' are reserved for Triton usage. Only the following keys starting with '${RESERVED}' are allowed: ${ALLOWED}`,
        parameterField(name),
      );
    }
  }
}

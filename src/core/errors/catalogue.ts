import { ServingError } from './serving-error.js';

/** The errors that more than one place raises. Clients of the protocol match on most of these wordings. */

/** The field is the part of the request that is wrong: see {@link ServingError.field}. */
export const invalidArgument = (message: string, field?: string): ServingError =>
  new ServingError('invalid-argument', message, { field });

export const modelNotFound = (model: string, version = ''): ServingError =>
  new ServingError(
    'not-found',
    version === ''
      ? `Request for unknown model: '${model}' is not found`
      : `Request for unknown model: '${model}' version ${version} is not found`,
  );

export const modelNotReady = (model: string, version: string): ServingError =>
  new ServingError('unavailable', `Request for unknown model: '${model}' version ${version} is not at ready state`);

export const modelHasNoVersions = (model: string): ServingError =>
  new ServingError('not-found', `Request for unknown model: '${model}' has no available versions`);

export const malformedVersion = (version: string): ServingError =>
  new ServingError(
    'invalid-argument',
    `failed to get model version from specified version string '${version}', version should be an integral value > 0`,
    { reason: 'malformed-version' },
  );

export const decoupledModel = (model: string): ServingError =>
  new ServingError(
    'unimplemented',
    `ModelInfer RPC doesn't support models with decoupled transaction policy: use ModelStreamInfer for '${model}'`,
  );

export const deadlineExceeded = (): ServingError => new ServingError('deadline-exceeded', 'Deadline Exceeded');

export const cancelled = (): ServingError => new ServingError('cancelled', 'the call was cancelled by the client');

export const unimplemented = (message: string): ServingError => new ServingError('unimplemented', message);

export const unavailable = (message: string): ServingError => new ServingError('unavailable', message);

/** Whatever is not a {@link ServingError} is hidden behind a neutral text; the original stays its cause. */
export function toServingError(thrown: unknown): ServingError {
  return thrown instanceof ServingError
    ? thrown
    : new ServingError('internal', 'Internal server error', { cause: thrown });
}

import { type ServiceError, status } from '@grpc/grpc-js';
import { deadlineExceeded } from '../../../core/errors/catalogue.js';
import { type ErrorCode, ServingError } from '../../../core/errors/serving-error.js';

/** The error of each status; any other is `internal`. */
const ERROR_CODES: ReadonlyMap<status, ErrorCode> = new Map([
  [status.INVALID_ARGUMENT, 'invalid-argument'],
  [status.NOT_FOUND, 'not-found'],
  [status.ALREADY_EXISTS, 'already-exists'],
  [status.FAILED_PRECONDITION, 'failed-precondition'],
  [status.UNAVAILABLE, 'unavailable'],
  [status.RESOURCE_EXHAUSTED, 'resource-exhausted'],
  [status.DEADLINE_EXCEEDED, 'deadline-exceeded'],
  [status.CANCELLED, 'cancelled'],
  [status.UNAUTHENTICATED, 'unauthenticated'],
  [status.PERMISSION_DENIED, 'permission-denied'],
  [status.UNIMPLEMENTED, 'unimplemented'],
  [status.INTERNAL, 'internal'],
]);

/** How grpc-js tells that a call ended without a status of the server, where headers had come before. */
const BROKEN_OFF =
  /^(?:Received RST_STREAM|Received HTTP status|Connection dropped|Stream refused|Call cancelled|Call ended|Deadline exceeded after|Received message larger|read E|write E)/;

/** The cause of an error that no upstream answered with: the call did not reach it, or its answer broke off. */
export class TransportFailure extends Error {
  override readonly name = 'TransportFailure';
}

/**
 * What the caller is told of a call that failed: the status and text of the upstream. A failure on the way has a text of
 * its own, for that of the library names addresses; it stays the cause.
 */
export function fromStatus(upstream: string, failure: ServiceError, hasAnswered: boolean): ServingError {
  const { details } = failure;
  const code = ERROR_CODES.get(failure.code) ?? 'internal';
  const hasTrailers = Object.keys(failure.metadata.getMap()).length > 0;
  if (hasTrailers || (hasAnswered && !BROKEN_OFF.test(details))) return new ServingError(code, details);
  const options = { cause: new TransportFailure(details, { cause: failure }) };
  switch (code) {
    case 'deadline-exceeded':
      return new ServingError(code, deadlineExceeded().message, options);
    case 'unavailable':
      return new ServingError(code, `upstream '${upstream}' cannot be reached`, options);
    default:
      return new ServingError(code, `upstream '${upstream}' broke the call off: ${details}`, options);
  }
}

/** An answer that cannot be what the model gave. */
export const brokenAnswer = (upstream: string, model: string, what: string, cause?: unknown): ServingError =>
  new ServingError('internal', `upstream '${upstream}' gave a broken answer for model '${model}': ${what}`, { cause });

/** Whether an error says that the upstream cannot serve for now, and not that it refuses this request. */
export function isOutage(error: unknown): error is ServingError {
  if (!(error instanceof ServingError)) return false;
  const { code, cause } = error;
  if (code === 'unavailable' || code === 'deadline-exceeded') return true;
  return cause instanceof TransportFailure && (code === 'internal' || code === 'cancelled');
}

export const isUnavailable = (error: unknown): boolean => error instanceof ServingError && error.code === 'unavailable';

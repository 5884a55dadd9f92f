import type { ErrorCode, ErrorReason, ServingError } from '../../core/errors/serving-error.js';

/** The HTTP status of each error, as Triton answers: its clients know no 409, 412 or 499. */
export const HTTP_STATUS = {
  'invalid-argument': 400,
  'not-found': 404,
  'already-exists': 400,
  'failed-precondition': 400,
  unavailable: 503,
  'resource-exhausted': 429,
  'deadline-exceeded': 504,
  cancelled: 400,
  unauthenticated: 401,
  'permission-denied': 403,
  unimplemented: 501,
  internal: 500,
} as const satisfies Record<ErrorCode, number>;

/** Where REST answers with another status than the code's own. */
const BY_REASON: Readonly<Partial<Record<ErrorReason, number>>> = {
  // A path with such a version is no path of the API.
  'malformed-version': 404,
  // Clients of the protocol assert 400, where HTTP has 413.
  'message-too-large': 400,
  // A gRPC client is told UNAVAILABLE.
  restricted: 403,
};

export const httpStatus = ({ code, reason }: ServingError): number =>
  (reason === undefined ? undefined : BY_REASON[reason]) ?? HTTP_STATUS[code];

/** The closed list of what can go wrong; each wire maps it to its own status by one table. */
export type ErrorCode =
  | 'invalid-argument'
  | 'not-found'
  | 'already-exists'
  | 'failed-precondition'
  | 'unavailable'
  | 'resource-exhausted'
  | 'deadline-exceeded'
  | 'cancelled'
  | 'unauthenticated'
  | 'permission-denied'
  | 'unimplemented'
  | 'internal';

/** The cases in which one wire answers with another status than its table gives for the code. */
export type ErrorReason = 'malformed-version' | 'message-too-large' | 'unsupported-encoding' | 'restricted';

export interface ServingErrorOptions {
  readonly reason?: ErrorReason;
  /** When to try again, in milliseconds from now; the wires pass it on. */
  readonly retryAfterMs?: number;
  /** The part of the request that is wrong, as a path: `inputs["x"].shape`. gRPC tells it in the details of its status. */
  readonly field?: string | undefined;
  readonly cause?: unknown;
}

/**
 * An error whose message is meant for the caller.
 *
 * A model throws it to answer with a code of its own; whatever else it throws becomes `internal` with a neutral
 * text, and the original is logged with the request id.
 */
export class ServingError extends Error {
  override readonly name = 'ServingError';
  readonly reason: ErrorReason | undefined;
  readonly retryAfterMs: number | undefined;
  readonly field: string | undefined;

  constructor(
    readonly code: ErrorCode,
    message: string,
    { reason, retryAfterMs, field, cause }: ServingErrorOptions = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
    this.field = field;
  }
}

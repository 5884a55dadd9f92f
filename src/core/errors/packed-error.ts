import { inspect } from 'node:util';
import { type ErrorCode, type ErrorReason, ServingError } from './serving-error.js';

/** An error as it crosses between threads, where classes and their instances do not. */
export interface PackedError {
  readonly message: string;
  /** For the log: where it was thrown. */
  readonly stack: string | undefined;
  /** Present for an error that is meant for the caller. */
  readonly serving?: {
    readonly code: ErrorCode;
    readonly reason: ErrorReason | undefined;
    readonly retryAfterMs: number | undefined;
    readonly field: string | undefined;
    readonly cause: PackedError | undefined;
  };
}

export function packError(thrown: unknown): PackedError {
  try {
    if (thrown instanceof ServingError) {
      const { code, reason, retryAfterMs, field, cause } = thrown;
      const packed = cause === undefined ? undefined : packError(cause);
      const serving = { code, reason, retryAfterMs, field, cause: packed };
      return { message: thrown.message, stack: undefined, serving };
    }
    if (thrown instanceof Error) {
      // Anyone can write anything into these, and not all of it can be cloned.
      const { message, stack }: { readonly message: unknown; readonly stack?: unknown } = thrown;
      return { message: String(message), stack: String(stack) };
    }
    return {
      message: `what was thrown is no error: ${inspect(thrown, { depth: 1, customInspect: false })}`,
      stack: undefined,
    };
  } catch {
    return { message: 'what was thrown cannot be described', stack: undefined };
  }
}

/** The error anew: a `ServingError` for one, and an `Error` with the stack of the thread for all others. */
export function unpackError({ message, stack, serving }: PackedError): Error {
  if (serving === undefined) return withStack(new Error(message), stack);
  const { code, reason, retryAfterMs, field, cause } = serving;
  return new ServingError(code, message, {
    field,
    ...(reason === undefined ? {} : { reason }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(cause === undefined ? {} : { cause: unpackError(cause) }),
  });
}

function withStack(error: Error, stack: string | undefined): Error {
  if (stack !== undefined) error.stack = stack;
  return error;
}

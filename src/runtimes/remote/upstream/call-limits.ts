/** What ends a call early. */
export interface CallLimits {
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch, or `Infinity`. */
  readonly deadline: number;
  /** Sent as `x-request-id`, if it fits there. */
  readonly requestId?: string;
}

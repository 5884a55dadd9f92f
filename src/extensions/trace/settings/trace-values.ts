/** What a trace can hold. */
export const TRACE_LEVELS = ['TIMESTAMPS', 'TENSORS'] as const;
export type TraceLevel = (typeof TRACE_LEVELS)[number];

/** The settings that callers can change. */
export interface TraceValues {
  /** In the order of {@link TRACE_LEVELS}; empty for no traces. */
  readonly levels: readonly TraceLevel[];
  /** One of so many requests is traced. */
  readonly rate: number;
  /** So many traces are left to make; -1 for no end. */
  readonly count: number;
  /** So many traces go into each numbered file; 0 for one file without a number. */
  readonly logFrequency: number;
}

/** Values that are to hold from now on; `null` for what holds without them. */
export type TraceChange = { readonly [K in keyof TraceValues]?: TraceValues[K] | null };

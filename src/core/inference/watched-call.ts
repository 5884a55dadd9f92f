import type { InferenceCall } from './call.js';
import type { DepartureListener } from './departures.js';

/** Why nobody waits for a call any more; `undefined` while somebody does. */
export function departureOf(call: InferenceCall): Error | undefined {
  if (call.departures !== undefined) return call.departures.reason;
  return call.signal.aborted ? (call.signal.reason as Error) : undefined;
}

/** Has a listener told when nobody waits for a call any more; not of what has been so before. */
export function watch(call: InferenceCall, listener: DepartureListener): void {
  if (call.departures === undefined) call.signal.addEventListener('abort', listener, ONCE);
  else call.departures.add(listener);
}

export function unwatch(call: InferenceCall, listener: DepartureListener): void {
  if (call.departures === undefined) call.signal.removeEventListener('abort', listener);
  else call.departures.delete(listener);
}

const ONCE = { once: true } as const;

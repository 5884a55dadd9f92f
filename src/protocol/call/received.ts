import type { CallContext } from './call-context.js';

/** A request with the call that brought it: a handler takes both as one parameter, each of which takes Nest its time. */
export interface Received<Request> {
  readonly request: Request;
  readonly call: CallContext;
}

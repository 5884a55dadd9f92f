import type { Metadata, ServerInterceptingCallInterface } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import type { ServerHttp2Stream } from 'node:http2';

/** What this server needs to know of a call, and grpc-js keeps to itself. */
export interface CallInternals {
  /** What the handler will get as `call.metadata`. */
  readonly metadata: Metadata;
  readonly stream: ServerHttp2Stream;
}

type BaseCall = ServerInterceptingCallInterface & Partial<CallInternals>;

/** Throws where this version of grpc-js keeps them elsewhere. */
export function internalsOf(call: ServerInterceptingCallInterface): CallInternals {
  const { metadata, stream } = call as BaseCall;
  if (metadata === undefined || stream === undefined) {
    throw new Error(
      'this version of @grpc/grpc-js keeps its calls elsewhere: pin the version that the lock file names',
    );
  }
  return { metadata, stream };
}

const explained = new WeakSet<object>();

/** Makes grpc-js name the key that raises its limits, in the error that it writes itself for a message beyond them. */
export function explainLimits(call: ServerInterceptingCallInterface): void {
  const base = Object.getPrototypeOf(call) as ServerInterceptingCallInterface;
  if (explained.has(base)) return;
  explained.add(base);
  const { sendStatus } = base;
  base.sendStatus = function (this: ServerInterceptingCallInterface, sent) {
    const { code, details = '' } = sent;
    const isLimit = code === status.RESOURCE_EXHAUSTED && /larger than max/.test(details);
    sendStatus.call(this, isLimit ? { ...sent, details: `${details}: send less, or raise MAX_MESSAGE_BYTES` } : sent);
  };
}

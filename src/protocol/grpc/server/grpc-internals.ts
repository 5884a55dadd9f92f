import type { Metadata, ServerInterceptingCallInterface } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import type { ServerHttp2Stream } from 'node:http2';
import { frameOf } from '../codec/frame.js';
import { MessageAssembler } from './message-assembler.js';

/** What this server needs to know of a call, and grpc-js keeps to itself. */
export interface CallInternals {
  /** What the handler will get as `call.metadata`. */
  readonly metadata: Metadata;
  readonly stream: ServerHttp2Stream;
}

interface BaseCall extends ServerInterceptingCallInterface, CallInternals {
  decoder: { write(data: Buffer): Buffer[] };
  readonly maxReceiveMessageSize: number;
  readonly handler: { serialize(value: unknown): Buffer };
  serializeMessage(value: unknown): Buffer;
}

const FIELDS = ['metadata', 'stream', 'decoder', 'maxReceiveMessageSize', 'handler', 'serializeMessage'] as const;

const adapted = new WeakSet<object>();

/**
 * Adapts a call of grpc-js to what this server needs: messages are put together and framed without needless copies, and
 * errors name the key that raises a limit. Gives what the call keeps to itself. Throws where this version of grpc-js
 * keeps its calls elsewhere.
 */
export function adaptCall(call: ServerInterceptingCallInterface): CallInternals {
  const base = call as BaseCall;
  const prototype = Object.getPrototypeOf(call) as BaseCall;
  if (!adapted.has(prototype)) {
    const missing = FIELDS.find((field) => !(field in call));
    if (missing !== undefined) {
      throw new Error(`the calls of this @grpc/grpc-js have no ${missing}: pin the version that the lock file names`);
    }
    adaptPrototype(prototype);
    adapted.add(prototype);
  }
  base.decoder = new MessageAssembler(base.maxReceiveMessageSize);
  return base;
}

function adaptPrototype(prototype: BaseCall): void {
  const sendStatus = Object.getOwnPropertyDescriptor(prototype, 'sendStatus')?.value as (sent: object) => void;
  prototype.sendStatus = function (this: BaseCall, sent) {
    const { code, details } = sent as { readonly code?: status; readonly details?: string };
    const isLimit = code === status.RESOURCE_EXHAUSTED && /larger than max/.test(details ?? '');
    const named = isLimit ? { ...sent, details: `${details}: send less, or raise MAX_MESSAGE_BYTES` } : sent;
    sendStatus.call(this, named);
  };
  prototype.serializeMessage = function (this: BaseCall, value) {
    return frameOf(this.handler.serialize(value));
  };
}

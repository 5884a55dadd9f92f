import {
  type Metadata,
  type Server,
  type ServerInterceptingCallInterface,
  type ServerUnaryCall,
  type StatusObject,
  status,
} from '@grpc/grpc-js';
import { ServerUnaryCallImpl } from '@grpc/grpc-js/build/src/server-call.js';
import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { ServingError } from '../../../core/errors/serving-error.js';
import { frameOf } from '../codec/frame.js';
import { giveBuffer } from '../../large-buffers.js';
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
  readonly maxSendMessageSize: number;
  readonly handler: Handler;
  readonly deadlineTimer: NodeJS.Timeout | null;
  metadataSent: boolean;
  wantTrailers: boolean;
  cancelNotified: boolean;
  checkCancelled(): boolean;
  serializeMessage(value: unknown): Buffer;
  decompressAndMaybePush(entry: QueuedMessage): void;
  maybePushNextMessage(): void;
}

interface Handler {
  readonly type: string;
  readonly path: string;
  /** What is called back is only the library's own answer to an rpc that nobody serves. */
  readonly func: (
    call: ServerUnaryCall<unknown, unknown>,
    unserved: (status: Pick<StatusObject, 'code' | 'details'>) => void,
  ) => void;
  serialize(value: unknown): Buffer;
  deserialize(bytes: Buffer): unknown;
}

/** A message with its prefix, on its way to the handler. */
interface QueuedMessage {
  type: 'COMPRESSED' | 'READABLE' | 'HALF_CLOSE';
  readonly compressedMessage: Buffer;
  parsedMessage: unknown;
}

const FIELDS = [
  'metadata',
  'stream',
  'decoder',
  'maxReceiveMessageSize',
  'maxSendMessageSize',
  'handler',
  'deadlineTimer',
  'metadataSent',
  'wantTrailers',
  'cancelNotified',
  'checkCancelled',
  'serializeMessage',
  'decompressAndMaybePush',
  'maybePushNextMessage',
] as const satisfies readonly (keyof BaseCall)[];

const PREFIX_BYTES = 5;

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
    const less = details?.startsWith('Sent') ? 'ask for less' : 'send less';
    sendStatus.call(this, isLimit ? { ...sent, details: `${details}: ${less}, or raise MAX_MESSAGE_BYTES` } : sent);
  };
  prototype.serializeMessage = function (this: BaseCall, value) {
    return frameOf(this.handler.serialize(value));
  };
  const decompress = Object.getOwnPropertyDescriptor(prototype, 'decompressAndMaybePush')?.value as (
    entry: QueuedMessage,
  ) => void;
  // The library waits a turn for each message, also for those that nobody has compressed.
  prototype.decompressAndMaybePush = function (this: BaseCall, entry) {
    if (entry.compressedMessage[0] !== 0) return decompress.call(this, entry);
    try {
      entry.parsedMessage = this.handler.deserialize(entry.compressedMessage.subarray(PREFIX_BYTES));
    } catch {
      return decompress.call(this, entry);
    }
    entry.type = 'READABLE';
    this.maybePushNextMessage();
  };
}

/** Gives the handlers of unary calls no writable stream, which the library makes for each of them: they never write. */
export function takeUnaryCalls(server: Server): void {
  const runner = server as unknown as { _runHandlerForCall?: (call: BaseCall, handler: Handler) => boolean };
  const run = runner._runHandlerForCall;
  if (run === undefined) {
    throw new Error(
      'this version of @grpc/grpc-js has no _runHandlerForCall: pin the version that the lock file names',
    );
  }
  runner._runHandlerForCall = (call, handler) => {
    if (handler.type !== 'unary') return run.call(server, call, handler);
    call.start(new UnaryListener(call, handler));
    return true;
  };
}

/** Waits for the only message of a unary call, and for its end, then calls the handler. */
class UnaryListener {
  private metadata: Metadata | undefined;
  private message: unknown;
  private unary: ServerUnaryCallImpl<unknown, unknown> | undefined;

  constructor(
    private readonly call: BaseCall,
    private readonly handler: Handler,
  ) {}

  onReceiveMetadata(metadata: Metadata): void {
    this.metadata = metadata;
    this.call.startRead();
  }

  onReceiveMessage(message: unknown): void {
    if (this.message !== undefined) return this.refuse('more than one request message');
    this.message = message;
    this.call.startRead();
  }

  onReceiveHalfClose(): void {
    const { metadata, message, call, handler } = this;
    if (metadata === undefined || message === undefined) return this.refuse('no request message');
    this.unary = new ServerUnaryCallImpl(handler.path, call, metadata, message);
    try {
      handler.func(this.unary, (unserved) => call.sendStatus(unserved));
    } catch {
      // Thrown on, it would end the process: this runs in an event of the stream.
      call.sendStatus({ code: status.INTERNAL, details: `${handler.path} could not be begun` });
    }
  }

  onCancel(): void {
    if (this.unary === undefined) return;
    this.unary.cancelled = true;
    this.unary.emit('cancelled', 'cancelled');
  }

  private refuse(what: string): void {
    this.call.sendStatus({ code: status.UNIMPLEMENTED, details: `${this.handler.path} got ${what}: send exactly one` });
  }
}

const HEADERS = {
  [constants.HTTP2_HEADER_STATUS]: constants.HTTP_STATUS_OK,
  [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc+proto',
  'grpc-accept-encoding': 'identity,deflate,gzip',
};
const OPTIONS = { waitForTrailers: true, sendDate: false };

/**
 * Sends the only reply of a call, and with it its end in status `OK`: one write instead of two, and no `Metadata` in
 * between. A call that is over gets nothing. Throws where the reply cannot be written.
 */
export function sendReply(internals: CallInternals, value: unknown, trailers: OutgoingHttpHeaders): void {
  const call = internals as BaseCall;
  if (call.checkCancelled()) return;
  const { stream, maxSendMessageSize: limit } = call;
  const frame = call.serializeMessage(value);
  if (frame.length - PREFIX_BYTES > limit) {
    const text = `Sent message larger than max (${frame.length - PREFIX_BYTES} vs ${limit})`;
    throw new ServingError('resource-exhausted', text);
  }
  if (!call.metadataSent) {
    call.metadataSent = true;
    stream.respond(HEADERS, OPTIONS);
  }
  call.wantTrailers = true;
  stream.once('wantTrailers', () => {
    stream.sendTrailers(trailers);
    // What is answered is not cancelled any more.
    call.cancelNotified = true;
    clearTimeout(call.deadlineTimer ?? undefined);
  });
  stream.end(frame, () => stream.writableFinished && giveBuffer(frame));
}

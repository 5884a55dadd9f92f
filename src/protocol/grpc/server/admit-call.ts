import type {
  ServerInterceptingCall,
  ServerInterceptingCallInterface,
  ServerInterceptor,
  StatusObject,
} from '@grpc/grpc-js';
import { constants } from 'node:http2';
import { deadlineExceeded } from '../../../core/errors/catalogue.js';
import type { ServingError } from '../../../core/errors/serving-error.js';
import type { ActiveCalls } from '../../call/active-calls.js';
import { authenticateCall } from '../../call/authenticate-call.js';
import { type CallAuthenticator, type Credentials, missingCredentials } from '../../call/call-authenticator.js';
import { attachCall, CallContext, type CallDetails } from '../../call/call-context.js';
import { subjectOf } from '../../call/certificate-subject.js';
import type { Overload } from '../../call/overload.js';
import { REQUEST_ID_HEADER } from '../../call/request-id.js';
import type { CallReporter } from './call-reporter.js';
import type { CallWatch, WatchedCall } from './call-watch.js';
import { adaptCall, type CallInternals, sendReply } from './grpc-internals.js';

export interface GrpcAdmission {
  readonly authenticator: CallAuthenticator;
  readonly calls: ActiveCalls;
  readonly overload: Overload;
  /** The longest that a call may take, in milliseconds; a caller's own deadline may be shorter. */
  readonly requestTimeoutMs: number;
  /** How long a client may take nothing while a reply waits for it, in milliseconds. */
  readonly streamStallMs: number;
}

/**
 * Opens the context of each call when its metadata is there, and settles who calls before a message is read: a caller
 * who may not enter costs no inflating and no decoding.
 */
export function admitCalls(
  { authenticator, calls, overload, requestTimeoutMs, streamStallMs }: GrpcAdmission,
  isPublic: (path: string) => boolean,
  reporter: CallReporter,
  watch: CallWatch,
): ServerInterceptor {
  const refusalOf = (path: string, context: CallContext): ServingError | undefined =>
    isPublic(path)
      ? undefined
      : (calls.refusal ??
        strangerRefusal(context, authenticator) ??
        (path.endsWith(INFERENCE) ? overload.refusal() : undefined));

  const parts: AdmissionParts = { calls, reporter, watch, streamStallMs };
  return ({ path, requestStream, responseStream }, call) => {
    // A stream may last: each of its requests has a deadline of its own.
    const longest = requestStream || responseStream ? Infinity : requestTimeoutMs;
    const details = new GrpcCallDetails(path, call, Date.now() + longest, parts);
    const { context } = details;
    const pending = authenticateCall(context, details, authenticator);
    if (pending === undefined) {
      const refusal = refusalOf(path, context);
      if (refusal !== undefined) details.refuse(refusal);
    } else {
      startLater(call, details, pending, () => refusalOf(path, context));
    }
    // The call itself is handed on: a wrapped one would cost at every event.
    return call as ServerInterceptingCall;
  };
}

/** Begins the call when it is known who calls. */
function startLater(
  call: ServerInterceptingCallInterface,
  details: GrpcCallDetails,
  known: Promise<void>,
  refusalOf: () => ServingError | undefined,
): void {
  const start = call.start.bind(call);
  call.start = (listener) => {
    void known.then(() => {
      const refusal = refusalOf();
      if (refusal === undefined) start(listener);
      else details.refuse(refusal);
    });
  };
}

/** What every call of a server shares. */
interface AdmissionParts {
  readonly calls: ActiveCalls;
  readonly reporter: CallReporter;
  readonly watch: CallWatch;
  readonly streamStallMs: number;
}

const NOTHING = (): void => undefined;

/** What counts among the inferences that run; those of a stream count one by one. */
const INFERENCE = '/ModelInfer';

/** An inference counts from its message on: a client that never sends one takes nobody's place. */
export const isInference = ({ details: { operation } }: CallContext): boolean => operation.endsWith(INFERENCE);

/** Why there is no place for an inference; otherwise it has taken one, for as long as its call lasts. */
export function countInference(call: CallContext, overload: Overload): ServingError | undefined {
  const refusal = overload.refusal();
  if (refusal !== undefined) return refusal;
  overload.enter();
  call.onFinish = () => overload.leave();
  return undefined;
}

const strangerRefusal = ({ principal, refusal }: CallContext, { required }: CallAuthenticator) =>
  required && principal === undefined ? (refusal ?? missingCredentials()) : undefined;

/**
 * What the metadata and the connection say of a call, also the credentials that it shows; and how it waits for its
 * client. Its methods stand on the class, not in closures: there is one for each call.
 */
export class GrpcCallDetails implements CallDetails, Credentials, WatchedCall {
  readonly wire = 'grpc';
  place = -1;
  readonly peer: string;
  readonly deadline: number;
  readonly context: CallContext;
  until: number;
  private readonly internals: CallInternals;
  private listeners: (() => void)[] | undefined;
  private disconnected = false;
  private isReplied = false;

  constructor(
    readonly operation: string,
    private readonly call: ServerInterceptingCallInterface,
    latest: number,
    private readonly parts: AdmissionParts,
  ) {
    this.internals = adaptCall(call);
    const { remoteAddress = '' } = call.getConnectionInfo();
    this.peer = remoteAddress.startsWith('::ffff:') ? remoteAddress.slice(7) : remoteAddress;
    this.deadline = Math.min(Number(call.getDeadline()), latest);
    this.until = this.deadline;
    this.context = new CallContext(this);
    attachCall(this.internals.metadata, this.context);
    this.internals.stream.once('close', this.closed.bind(this));
    if (this.deadline !== Infinity) parts.watch.add(this);
  }

  get requestId(): string | undefined {
    return this.header(REQUEST_ID_HEADER);
  }

  get userAgent(): string {
    return this.header('user-agent') ?? '';
  }

  header(name: string): string | undefined {
    return this.internals.metadata.get(name)[0]?.toString();
  }

  certificateSubject(): string | undefined {
    return subjectOf(this.call.getAuthContext().sslPeerCertificate);
  }

  /** Answers the call with a refusal, without reading its message. */
  refuse(refusal: ServingError): void {
    this.call.start = NOTHING;
    this.call.sendStatus(this.parts.reporter.end(this.context, refusal));
  }

  /** The request is there: its deadline is the handler's now. */
  received(): void {
    this.parts.watch.delete(this);
  }

  /** Sends the only reply of the call, and its end. Throws where it cannot be written. */
  reply(message: unknown): void {
    const { context, internals } = this;
    sendReply(internals, message, { 'grpc-status': 0, [REQUEST_ID_HEADER]: context.requestId });
    this.replied();
  }

  /** Ends the call with an error. */
  fail(status: StatusObject): void {
    this.call.sendStatus(status);
    this.replied();
  }

  /** The reply is written: the client has its time to take it. */
  private replied(): void {
    this.isReplied = true;
    this.until = Date.now() + this.parts.streamStallMs;
    this.parts.watch.add(this);
  }

  expire(): void {
    const { stream } = this.internals;
    if (this.isReplied) return stream.close(constants.NGHTTP2_CANCEL);
    this.call.sendStatus(this.parts.reporter.end(this.context, deadlineExceeded()));
    // The client still owes the end of its message, and its stream would stay half open.
    stream.close(constants.NGHTTP2_NO_ERROR);
  }

  onDisconnect(listener: () => void): void {
    if (this.disconnected) listener();
    else (this.listeners ??= []).push(listener);
  }

  private closed(): void {
    const { calls, reporter, watch } = this.parts;
    watch.delete(this);
    if (!this.context.handled) reporter.cancelled(this.context);
    calls.closed(this.context);
    this.disconnected = true;
    for (const listener of this.listeners ?? []) listener();
  }
}

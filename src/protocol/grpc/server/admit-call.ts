import {
  type Metadata,
  type ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import type { ActiveCalls } from '../../call/active-calls.js';
import type { ServingError } from '../../../core/errors/serving-error.js';
import { authenticateCall } from '../../call/authenticate-call.js';
import { type CallAuthenticator, missingCredentials } from '../../call/call-authenticator.js';
import { attachCall, CallContext, type CallDetails } from '../../call/call-context.js';
import { subjectOf } from '../../call/certificate-subject.js';
import type { Overload } from '../../call/overload.js';
import { REQUEST_ID_HEADER } from '../../call/request-id.js';
import type { CallReporter } from './call-reporter.js';

export interface GrpcAdmission {
  readonly authenticator: CallAuthenticator;
  readonly calls: ActiveCalls;
  readonly overload: Overload;
  /** The longest that a call may take, in milliseconds; a caller's own deadline may be shorter. */
  readonly requestTimeoutMs: number;
}

/**
 * Opens the context of each call when its metadata is there, and settles who calls before a message is read: a caller
 * who may not enter costs no inflating and no decoding.
 */
export function admitCalls(
  { authenticator, calls, overload, requestTimeoutMs }: GrpcAdmission,
  isPublic: (path: string) => boolean,
  reporter: CallReporter,
): ServerInterceptor {
  return ({ path, requestStream, responseStream }, call) => {
    // A stream may last: each of its requests has a deadline of its own.
    const longest = requestStream || responseStream ? Infinity : requestTimeoutMs;
    const start = call.start.bind(call);
    // The call itself is handed on, with one step more at its start: a wrapped call would cost at every event.
    call.start = (listener) => {
      let context: CallContext | undefined;
      const enter = (metadata: Metadata, admitted: CallContext): void => {
        const refusal = isPublic(path)
          ? undefined
          : (calls.refusal ?? strangerRefusal(admitted, authenticator) ?? takePlace(path, admitted, overload));
        if (refusal === undefined) listener.onReceiveMetadata(metadata);
        else call.sendStatus(reporter.end(admitted, refusal));
      };
      start({
        onReceiveMetadata: (metadata) => {
          const details = new GrpcCallDetails(path, metadata, call, Date.now() + longest);
          const opened = new CallContext(details);
          context = opened;
          attachCall(metadata, opened);
          const pending = authenticateCall(opened, details, authenticator);
          if (pending === undefined) enter(metadata, opened);
          else void pending.then(() => enter(metadata, opened));
        },
        onReceiveMessage: (message) => listener.onReceiveMessage(message),
        onReceiveHalfClose: () => listener.onReceiveHalfClose(),
        onCancel: () => {
          if (context !== undefined) {
            (context.details as GrpcCallDetails).disconnect();
            if (!context.handled) reporter.cancelled(context);
          }
          listener.onCancel();
        },
      });
    };
    return call as ServerInterceptingCall;
  };
}

/** An inference counts among those that run until its call ends; those of a stream count one by one. */
function takePlace(path: string, call: CallContext, overload: Overload): ServingError | undefined {
  return path.endsWith('/ModelInfer') ? countInference(call, overload) : undefined;
}

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

/** What the metadata and the connection say of a call; also the credentials that it shows. */
class GrpcCallDetails implements CallDetails {
  readonly wire = 'grpc';
  readonly peer: string;
  readonly deadline: number;
  private readonly listeners: (() => void)[] = [];
  private disconnected = false;

  constructor(
    readonly operation: string,
    private readonly metadata: Metadata,
    private readonly call: ServerInterceptingCallInterface,
    latest: number,
  ) {
    this.peer = (call.getConnectionInfo().remoteAddress ?? '').replace(/^::ffff:/, '');
    this.deadline = Math.min(Number(call.getDeadline()), latest);
  }

  get requestId(): string | undefined {
    return this.header(REQUEST_ID_HEADER);
  }

  get userAgent(): string {
    return this.header('user-agent') ?? '';
  }

  header(name: string): string | undefined {
    return this.metadata.get(name)[0]?.toString();
  }

  certificateSubject(): string | undefined {
    return subjectOf(this.call.getAuthContext().sslPeerCertificate);
  }

  readonly onDisconnect = (listener: () => void): void => {
    if (this.disconnected) listener();
    else this.listeners.push(listener);
  };

  disconnect(): void {
    this.disconnected = true;
    for (const listener of this.listeners) listener();
  }
}

import {
  type Metadata,
  type ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import { authenticateCall } from '../call/authenticate-call.js';
import { type CallAuthenticator, missingCredentials } from '../call/call-authenticator.js';
import { attachCall, CallContext, type CallDetails } from '../call/call-context.js';
import { subjectOf } from '../call/certificate-subject.js';
import { REQUEST_ID_HEADER } from '../call/request-id.js';
import type { CallReporter } from './call-reporter.js';

export interface GrpcAdmission {
  readonly authenticator: CallAuthenticator;
  /** The longest that a call may take, in milliseconds; a caller's own deadline may be shorter. */
  readonly requestTimeoutMs: number;
}

/**
 * Opens the context of each call when its metadata is there, and settles who calls before a message is read: a caller
 * who may not enter costs no inflating and no decoding.
 */
export function admitCalls(
  { authenticator, requestTimeoutMs }: GrpcAdmission,
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
      const enter = (metadata: Metadata): void => {
        if (context?.principal === undefined && authenticator.required && !isPublic(path)) {
          const refusal = context?.refusal ?? missingCredentials();
          if (context !== undefined) call.sendStatus(reporter.end(context, refusal));
        } else {
          listener.onReceiveMetadata(metadata);
        }
      };
      start({
        onReceiveMetadata: (metadata) => {
          const details = new GrpcCallDetails(path, metadata, call, Date.now() + longest);
          context = new CallContext(details);
          attachCall(metadata, context);
          const pending = authenticateCall(context, details, authenticator);
          if (pending === undefined) enter(metadata);
          else void pending.then(() => enter(metadata));
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

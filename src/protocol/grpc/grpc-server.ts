import { StringDecoder } from 'node:string_decoder';
import {
  Metadata,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  setLogger,
} from '@grpc/grpc-js';
import { Logger } from '@nestjs/common';
import { ServerGrpc } from '@nestjs/microservices';
import { firstValueFrom, isObservable, type Observable } from 'rxjs';
import { toServingError } from '../../core/errors/catalogue.js';
import { ServingError } from '../../core/errors/serving-error.js';
import { attachCall, attachedCall, CallContext } from '../call/call-context.js';
import type { CallAuthenticator } from '../call/call-authenticator.js';
import type { CallObserver } from '../call/call-observer.js';
import { REQUEST_ID_HEADER } from '../call/request-id.js';
import { ALIASES, loadContracts, PACKAGES } from './contracts.js';
import { GRPC_STATUS } from './status.js';

export interface GrpcServerOptions {
  /** Host and port; port 0 takes a free one. */
  readonly address: string;
  /** The largest message in and out, in bytes. */
  readonly maxMessageBytes: number;
  /** The longest that a call may take, in milliseconds; a caller's own deadline may be shorter. */
  readonly requestTimeoutMs: number;
  readonly authenticator: CallAuthenticator;
  readonly observer: CallObserver;
}

type UnaryCall = ServerUnaryCall<unknown, unknown>;
type StreamCall = ServerWritableStream<unknown, unknown>;
/** What a message says of its model; every rpc that is about a model names it by one of these fields. */
interface InferenceTarget {
  readonly model_name?: string;
  readonly name?: string;
  /** KServe's messages have the model's name in the field that the others keep for a repository. */
  readonly repository_name?: string;
  readonly model_version?: string;
  readonly version?: string;
  readonly id?: string;
}
type Handler = (message: unknown, metadata: Metadata, call: unknown) => unknown;

/**
 * Nest's gRPC transport as this server needs it: services stand before the port is open, a call is answered without
 * Observables in between and exactly once, whatever a handler does, and ends in one report to the observer.
 */
export class GrpcServer extends ServerGrpc {
  /** The port that is listened on; 0 before that. */
  port = 0;
  /** The paths of the rpcs that have a handler. */
  readonly paths: string[] = [];

  constructor(private readonly settings: GrpcServerOptions) {
    // What the library would print by itself is thrown as well; it belongs into the server's own log, if anywhere.
    setLogger({ ...console, error: (...words: unknown[]) => new Logger('grpc-js').debug(words.join(' ')) });
    super({ url: settings.address, package: [...PACKAGES], packageDefinition: loadContracts() });
  }

  override async listen(callback: (error?: unknown) => void): Promise<void> {
    const { address, maxMessageBytes } = this.settings;
    try {
      const server = new Server({
        'grpc.max_receive_message_length': maxMessageBytes,
        'grpc.max_send_message_length': maxMessageBytes,
        'grpc.enable_channelz': 0,
      });
      this.grpcClient = server;
      await this.bindEvents();
      this.port = await new Promise<number>((resolve, reject) => {
        server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) =>
          error === null ? resolve(port) : reject(error),
        );
      });
      callback();
    } catch (failure) {
      callback(failure);
    }
  }

  override getMessageHandler(service: string, method: string, streaming: never, definition: { path?: string }) {
    const name = service.split('.').at(-1) ?? service;
    const handler = super.getMessageHandler(ALIASES[name] ?? name, method, streaming, definition);
    if (handler !== undefined && definition.path !== undefined) this.paths.push(definition.path);
    return handler;
  }

  override createUnaryServiceMethod(handler: Handler) {
    return (call: UnaryCall, callback: sendUnaryData<unknown>): void => {
      const context = this.open(call);
      this.answer(handler, call).then(
        (reply) => {
          callback(null, reply, trailers(context));
          this.report(context, call.cancelled ? 'cancelled' : 'ok');
        },
        (thrown: unknown) => {
          const error = toServingError(thrown);
          callback(toServiceError(error, context));
          this.report(context, error.code);
        },
      );
    };
  }

  override createStreamServiceMethod(handler: Handler) {
    return async (call: StreamCall): Promise<void> => {
      const context = this.open(call);
      const fail = (thrown: unknown): void => {
        const error = toServingError(thrown);
        call.emit('error', toServiceError(error, context));
        this.report(context, error.code);
      };
      try {
        const replies = (await handler(call.request, call.metadata, call)) as Observable<unknown>;
        const subscription = replies.subscribe({
          next: (reply) => call.write(reply),
          error: fail,
          complete: () => {
            call.end(trailers(context));
            this.report(context, 'ok');
          },
        });
        const abandon = (): void => {
          if (!subscription.closed) this.report(context, 'cancelled');
          subscription.unsubscribe();
        };
        if (call.cancelled) abandon();
        else call.on('cancelled', abandon);
      } catch (thrown) {
        fail(thrown);
      }
    };
  }

  private async answer(handler: Handler, call: UnaryCall): Promise<unknown> {
    const result = await handler(call.request, call.metadata, call);
    const reply: unknown = isObservable(result) ? await firstValueFrom(result, { defaultValue: undefined }) : result;
    if (reply === undefined) {
      const model = attachedCall(call)?.model;
      throw new ServingError('internal', `${call.getPath()} gave no reply${model ? ` for model '${model}'` : ''}`);
    }
    return reply;
  }

  private open(call: UnaryCall | StreamCall): CallContext {
    const { requestTimeoutMs, authenticator } = this.settings;
    const header = (name: string): string | undefined => call.metadata.get(name)[0]?.toString();
    const context = new CallContext({
      wire: 'grpc',
      operation: call.getPath(),
      requestId: header(REQUEST_ID_HEADER),
      peer: call.getPeer(),
      userAgent: header('user-agent') ?? '',
      deadline: Math.min(Number(call.getDeadline()), Date.now() + requestTimeoutMs),
      onDisconnect: (listener) => (call.cancelled ? listener() : call.once('cancelled', listener)),
    });
    const { model_name, name, repository_name, model_version, version, id } = call.request as InferenceTarget;
    context.model = model_name || name || repository_name || '';
    context.version = model_version ?? version ?? '';
    if (id !== undefined) context.adoptRequestId(id);
    attachCall(call, context);
    try {
      context.principal = authenticator.authenticate({ header });
    } catch (refusal) {
      context.refusal = toServingError(refusal);
    }
    return context;
  }

  private report(context: CallContext, code: 'ok' | ServingError['code']): void {
    context.finish();
    this.settings.observer.finished(context, { code, status: code === 'ok' ? 0 : GRPC_STATUS[code] });
  }
}

const MAX_DETAILS_BYTES = 1_000;

function trailers(context: CallContext): Metadata {
  const metadata = new Metadata();
  metadata.set(REQUEST_ID_HEADER, context.requestId);
  return metadata;
}

function toServiceError({ code, message }: ServingError, context: CallContext): ServiceError {
  const details = clip(message);
  return Object.assign(new Error(details), { code: GRPC_STATUS[code], details, metadata: trailers(context) });
}

/**
 * Details travel in a trailer, percent-encoded: clients limit its size to some kilobytes, and half a character has no
 * encoding at all.
 */
function clip(message: string): string {
  const bytes = Buffer.from(message, 'utf8');
  const whole = new StringDecoder('utf8').write(bytes.subarray(0, MAX_DETAILS_BYTES));
  return bytes.byteLength > MAX_DETAILS_BYTES ? `${whole}…` : whole;
}

import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  setLogger,
} from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { Logger } from '@nestjs/common';
import { ServerGrpc } from '@nestjs/microservices';
import { firstValueFrom, isObservable, lastValueFrom, type Observable } from 'rxjs';
import { toServingError } from '../../../core/errors/catalogue.js';
import { ServingError } from '../../../core/errors/serving-error.js';
import type { InferenceResponse } from '../../../core/inference/response.js';
import { attachCall, attachedCall, type CallContext } from '../../call/call-context.js';
import type { HeaderForwarding } from '../../call/header-forwarding.js';
import type { CallObserver } from '../../call/call-observer.js';
import { admitCalls, countInference, type GrpcAdmission, type GrpcCallDetails, isInference } from './admit-call.js';
import { CallReporter, trailers } from './call-reporter.js';
import { CallWatch } from './call-watch.js';
import { plugCodec } from '../codec/plug-codec.js';
import { ALIASES, loadContracts, packagesOf } from '../contracts.js';
import { takeUnaryCalls } from './grpc-internals.js';
import { type Sessions, tuneHttp2 } from './http2-tuning.js';
import { answerAsAsked, type OutputContents, readOutputContents } from './output-contents.js';
import type { ModelInferRequest } from '../messages.js';
import { readStreamDialect } from './read-stream-dialect.js';
import type { StreamDialect } from './stream-messages.js';
import { type DuplexCall, DuplexStream, type StreamLimits } from './duplex-stream.js';

export interface GrpcServerOptions extends GrpcAdmission, StreamLimits {
  /** Host and port; port 0 takes a free one. */
  readonly address: string;
  /** How streams speak whose clients do not say it. */
  readonly streamDialect: StreamDialect;
  /** Where the values of outputs stand for clients who do not say it. Default: raw. */
  readonly outputContents?: OutputContents | undefined;
  /** Absent where no metadata becomes a parameter. */
  readonly forwarding?: HeaderForwarding | undefined;
  /** The largest message in and out, in bytes. */
  readonly maxMessageBytes: number;
  readonly observer: CallObserver;
  /** The streams that one connection may have open; more are refused. */
  readonly maxConcurrentStreams: number;
  /** After so many milliseconds, give or take a tenth, a client is asked to connect anew; 0 for never. */
  readonly maxConnectionAgeMs: number;
  /** Default: no transport security. */
  readonly credentials?: ServerCredentials | undefined;
  /** The rpcs whose callers need no credentials, as `Service/Rpc`. */
  readonly publicRpcs: ReadonlySet<string>;
  /** The services of gRPC itself that tell of the others. Default: none. */
  readonly reflection?: PackageDefinition | undefined;
}

type UnaryCall = ServerUnaryCall<unknown, unknown>;
type StreamCall = ServerWritableStream<unknown, unknown>;
type Handler = (message: unknown, metadata: unknown, call: unknown) => unknown;

/** What a message says of its model; every rpc that is about a model names it by one of these fields. */
interface InferenceTarget {
  readonly model_name?: string;
  readonly name?: string;
  /** Where KServe's clients put the model of a load or unload; everyone else keeps it for a repository. */
  readonly repository_name?: string;
  readonly model_version?: string;
  readonly version?: string;
  readonly id?: string;
}

/** Of a stream, whose messages name theirs. */
const NO_TARGET = Object.freeze(Object.create(null) as InferenceTarget);

/** How long connections have to deliver what was written, in milliseconds, once no call runs any more. */
const CLOSING_MS = 500;

const CONTROLS_A_MODEL = /\/RepositoryModel(?:Load|Unload)$/;

/**
 * Nest's gRPC transport as this server needs it: services stand before the port is open, a caller is known before its
 * message is read, a call is answered without Observables in between and exactly once, whatever a handler does, and
 * ends in one report to the observer.
 */
export class GrpcServer extends ServerGrpc {
  /** The port that is listened on; 0 before that. */
  port = 0;
  /** The paths of the rpcs that have a handler. */
  readonly paths: string[] = [];
  private readonly publicPaths = new Set<string>();
  private readonly reporter: CallReporter;
  private readonly watch: CallWatch;
  private readonly outputContents: OutputContents;
  private sessions: Sessions | undefined;

  constructor(private readonly settings: GrpcServerOptions) {
    // What the library would print by itself is thrown as well; it belongs into the server's own log, if anywhere.
    setLogger({ ...console, error: (...words: unknown[]) => new Logger('grpc-js').debug(words.join(' ')) });
    const packageDefinition = plugCodec({ ...loadContracts(), ...settings.reflection });
    super({ url: settings.address, package: packagesOf(packageDefinition), packageDefinition });
    this.outputContents = settings.outputContents ?? 'raw';
    this.reporter = new CallReporter(settings.observer);
    this.watch = new CallWatch(Math.min(settings.requestTimeoutMs, settings.streamStallMs));
  }

  override async listen(callback: (error?: unknown) => void): Promise<void> {
    const { address, maxMessageBytes, maxConcurrentStreams, maxConnectionAgeMs } = this.settings;
    const { credentials = ServerCredentials.createInsecure() } = this.settings;
    try {
      const server = new Server({
        'grpc.max_receive_message_length': maxMessageBytes,
        'grpc.max_send_message_length': maxMessageBytes,
        'grpc.enable_channelz': 0,
        'grpc.max_concurrent_streams': maxConcurrentStreams,
        'grpc-node.max_session_memory': sessionMemoryMb(maxMessageBytes),
        'grpc.keepalive_time_ms': 60_000,
        'grpc.keepalive_timeout_ms': 20_000,
        ...(maxConnectionAgeMs === 0 ? {} : { 'grpc.max_connection_age_ms': maxConnectionAgeMs }),
        interceptors: [admitCalls(this.settings, (path) => this.publicPaths.has(path), this.reporter, this.watch)],
      });
      takeUnaryCalls(server);
      this.grpcClient = server;
      await this.bindEvents();
      this.port = await new Promise<number>((resolve, reject) => {
        server.bindAsync(address, credentials, (error, port) => (error === null ? resolve(port) : reject(error)));
      });
      this.sessions = tuneHttp2(server, maxConcurrentStreams);
      callback();
    } catch (failure) {
      callback(failure);
    }
  }

  /** Lets what is written leave, then cuts what still runs: without channelz, the library's own shutdown cuts nothing. */
  override async close(): Promise<void> {
    await this.sessions?.close(CLOSING_MS);
    await super.close();
  }

  override getMessageHandler(service: string, method: string, streaming: never, definition: { path?: string }) {
    const own = service.split('.').at(-1) ?? service;
    const name = ALIASES[own] ?? own;
    const handler = super.getMessageHandler(name, method, streaming, definition);
    if (handler !== undefined && definition.path !== undefined) {
      this.paths.push(definition.path);
      if (this.settings.publicRpcs.has(`${name}/${method}`)) this.publicPaths.add(definition.path);
    }
    return handler;
  }

  override createUnaryServiceMethod(handler: Handler) {
    return (call: UnaryCall): void => {
      const context = this.enter(call, call.request as InferenceTarget);
      const details = context.details as GrpcCallDetails;
      this.settings.calls.opened(context);
      details.received();
      const refusal = isInference(context) ? countInference(context, this.settings.overload) : undefined;
      if (refusal === undefined) void this.answer(handler, call, context, details);
      else details.fail(this.reporter.end(context, refusal));
    };
  }

  override createStreamServiceMethod(handler: Handler) {
    return async (call: StreamCall): Promise<void> => {
      const context = this.enter(call, call.request as InferenceTarget);
      const fail = (thrown: unknown): void => {
        call.emit('error', this.reporter.end(context, toServingError(thrown)));
      };
      try {
        const replies = (await handler(call.request, call.metadata, call)) as Observable<unknown>;
        const subscription = replies.subscribe({
          next: (reply) => call.write(reply),
          error: fail,
          complete: () => {
            call.end(trailers(context));
            this.reporter.succeeded(context);
          },
        });
        const abandon = (): void => {
          this.reporter.cancelled(context);
          subscription.unsubscribe();
        };
        if (call.cancelled) abandon();
        else call.on('cancelled', abandon);
      } catch (thrown) {
        fail(thrown);
      }
    };
  }

  /** A stream both ways: its handler gets an {@link InferenceStream} as its message. */
  override createStreamCallMethod(handler: Handler) {
    return async (opened: object): Promise<void> => {
      const call = opened as DuplexCall;
      const context = this.enter(call, NO_TARGET);
      this.settings.calls.opened(context);
      let stream: DuplexStream;
      try {
        stream = this.openStream(call, context);
      } catch (thrown) {
        call.emit('error', this.reporter.end(context, toServingError(thrown)));
        return;
      }
      try {
        const result = await handler(stream, call.metadata, call);
        if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
        stream.complete();
      } catch (thrown) {
        if (call.cancelled) this.reporter.cancelled(context);
        else stream.end(toServingError(thrown));
      }
    };
  }

  /** Throws where the client asks for a way to be answered that there is not. */
  private openStream(call: DuplexCall, context: CallContext): DuplexStream {
    const { calls, overload, streamDialect } = this.settings;
    const dialect = readStreamDialect(call.metadata, streamDialect);
    const contents = readOutputContents(call.metadata, this.outputContents);
    return new DuplexStream(call, context, this.reporter, this.settings, calls, overload, { dialect, contents });
  }

  /** Ties the context that was opened with the metadata to the call that the handlers see. */
  private enter(call: UnaryCall | StreamCall | DuplexCall, target: InferenceTarget): CallContext {
    const context = attachedCall(call.metadata);
    if (context === undefined) throw new Error('the call was not admitted');
    const { model_name, name, repository_name, model_version, version, id } = target;
    context.handled = true;
    // An empty name counts as none, as where it is read: what is decided about is what is then done.
    context.model = model_name || name || (CONTROLS_A_MODEL.test(call.getPath()) && repository_name) || '';
    context.version = model_version ?? version ?? '';
    if (id !== undefined) context.adoptRequestId(id);
    const { forwarding } = this.settings;
    if (forwarding !== undefined) context.forwarded = () => forwarding.parametersOf(textsOf(call.metadata));
    attachCall(call, context);
    return context;
  }

  /** Never rejects: what is thrown becomes the status of the call. */
  private async answer(
    handler: Handler,
    call: UnaryCall,
    context: CallContext,
    details: GrpcCallDetails,
  ): Promise<void> {
    try {
      const contents = isInference(context) ? readOutputContents(call.metadata, this.outputContents) : 'raw';
      const result = await handler(call.request, call.metadata, call);
      const reply: unknown = isObservable(result) ? await firstValueFrom(result, { defaultValue: undefined }) : result;
      if (reply === undefined) {
        const { model } = context;
        throw new ServingError('internal', `${call.getPath()} gave no reply${model ? ` for model '${model}'` : ''}`);
      }
      details.reply(answerAsAsked(reply as InferenceResponse, contents, call.request as ModelInferRequest));
      if (call.cancelled) this.reporter.cancelled(context);
      else this.reporter.succeeded(context);
    } catch (thrown) {
      details.fail(this.reporter.end(context, toServingError(thrown)));
    }
  }
}

/** The metadata that is text. */
function* textsOf(metadata: Metadata): Generator<readonly [string, string]> {
  for (const key of Object.keys(metadata.getMap())) {
    for (const value of metadata.get(key)) if (typeof value === 'string') yield [key, value];
  }
}

/** What one connection may have buffered: some of the largest messages, and never less than 64 MB. */
const sessionMemoryMb = (maxMessageBytes: number): number => Math.max(64, Math.ceil((4 * maxMessageBytes) / 1e6));

import type { ServerDuplexStream } from '@grpc/grpc-js';
import { cancelled } from '../../../core/errors/catalogue.js';
import { ServingError } from '../../../core/errors/serving-error.js';
import type { ActiveCalls } from '../../call/active-calls.js';
import { CallContext } from '../../call/call-context.js';
import type { Overload } from '../../call/overload.js';
import { countInference } from './admit-call.js';
import { type CallReporter, trailers } from './call-reporter.js';
import type { ModelInferRequest } from '../messages.js';
import { answerAsAsked, type OutputContents } from './output-contents.js';
import type { InferenceStream, MessageStream, StreamDialect, StreamedRequest, StreamReply } from './stream-messages.js';

export interface StreamLimits {
  /** The longest that one request of a stream may take, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** How long a client may take nothing while replies wait for it, in milliseconds. */
  readonly streamStallMs: number;
}

/** How the client of a stream is answered. */
export interface StreamAnswers {
  readonly dialect: StreamDialect;
  readonly contents: OutputContents;
}

export type DuplexCall = ServerDuplexStream<unknown, unknown>;

/** Triton's clients ask by this key for errors as statuses. */
const FAIL_FAST_KEY = 'triton_grpc_error';

/** A stream of inferences over gRPC, with flow control both ways. */
export class DuplexStream implements InferenceStream, MessageStream {
  readonly dialect: StreamDialect;
  private readonly contents: OutputContents;
  private readonly failFast: boolean;
  private readonly active = new Map<CallContext, Set<() => void>>();
  private written: Promise<void> = Promise.resolve();
  private ended = false;
  /** Each request of the stream has the metadata of all. */
  private readonly header = (name: string): string | undefined => this.context.details.header?.(name);

  constructor(
    private readonly call: DuplexCall,
    private readonly context: CallContext,
    private readonly reporter: CallReporter,
    private readonly limits: StreamLimits,
    private readonly calls: ActiveCalls,
    private readonly overload: Overload,
    { dialect, contents }: StreamAnswers,
  ) {
    this.dialect = dialect;
    this.contents = contents;
    this.failFast = dialect === 'mlserver' || call.metadata.get(FAIL_FAST_KEY)[0] === 'true';
    context.details.onDisconnect(() => this.abandon());
  }

  /**
   * Read one by one, so that the client's window closes while none is wanted. Node's own iterator would destroy the
   * stream before its status is sent.
   */
  get requests(): AsyncIterable<StreamedRequest> {
    return this.read();
  }

  private async *read(): AsyncGenerator<StreamedRequest, void> {
    while (this.isTaking) {
      const message = this.call.read() as ModelInferRequest | null;
      if (message === null) await this.readable();
      else yield { message, call: this.open(message) };
    }
  }

  get messages(): AsyncIterable<unknown> {
    return this.readAny();
  }

  private async *readAny(): AsyncGenerator<unknown, void> {
    while (this.isTaking) {
      const message: unknown = this.call.read();
      if (message === null) await this.readable();
      else yield message;
    }
  }

  private get isTaking(): boolean {
    return !this.ended && !this.call.cancelled && !this.call.readableEnded && this.calls.refusal === undefined;
  }

  private readable(): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        for (const event of WAKING) this.call.off(event, wake);
        forget();
        resolve();
      };
      const forget = this.calls.onClosing(wake);
      for (const event of WAKING) this.call.on(event, wake);
    });
  }

  send(reply: StreamReply, request: ModelInferRequest): Promise<void> {
    const response = answerAsAsked(reply.response, this.contents, request);
    if (this.dialect === 'mlserver') return this.write(response);
    return this.write(response === reply.response ? reply : { error: reply.error, response });
  }

  /** Writes stand in line: each waits until the one before it found room. */
  write(message: unknown): Promise<void> {
    this.written = this.written.then(async () => {
      if (this.call.cancelled || this.ended) throw cancelled();
      if (!this.call.write(message)) await this.drained();
    });
    return this.written;
  }

  finished(call: CallContext, error?: ServingError): void {
    this.active.delete(call);
    this.calls.closed(call);
    if (error === undefined) this.reporter.succeeded(call);
    else this.reporter.failed(call, error);
  }

  async fail(error: ServingError, reply: StreamReply, request: ModelInferRequest): Promise<void> {
    if (this.failFast) return this.end(error);
    // What cannot be written any more ends the stream: it is gone, or nobody reads it.
    await this.send(reply, request).catch((undeliverable: ServingError) => this.end(undeliverable));
  }

  /** Ends the stream when its requests are answered: with OK, unless the server stopped taking them before the client. */
  complete(): void {
    this.end(this.call.readableEnded ? undefined : this.calls.refusal);
  }

  /** Ends the stream with a status, once, and aborts what still runs for it. */
  end(error?: ServingError): void {
    if (this.ended) return;
    this.ended = true;
    if (error === undefined) {
      this.reporter.succeeded(this.context);
      this.call.end(trailers(this.context));
    } else {
      this.call.emit('error', this.reporter.end(this.context, error));
      this.abandon();
    }
    // What a handler left open when it failed is over as well.
    for (const call of this.active.keys()) this.finished(call, error ?? cancelled());
  }

  /** Aborts what still runs for the stream. */
  private abandon(): void {
    for (const listeners of this.active.values()) for (const listener of listeners) listener();
  }

  /** A request has its own id and deadline, and is aborted with the stream. */
  private open({ model_name = '', model_version = '', id }: ModelInferRequest): CallContext {
    const { details } = this.context;
    const listeners = new Set<() => void>();
    const call = new CallContext({
      wire: 'grpc',
      operation: details.operation,
      requestId: id,
      peer: details.peer,
      userAgent: details.userAgent,
      header: this.header,
      deadline: Math.min(Date.now() + this.limits.requestTimeoutMs, details.deadline),
      onDisconnect: (listener) => (this.call.cancelled ? listener() : listeners.add(listener)),
    });
    call.principal = this.context.principal;
    call.family = this.context.family;
    call.onInference = this.context.onInference;
    call.forwarded = this.context.forwarded;
    call.model = model_name;
    call.version = model_version;
    call.refusal = countInference(call, this.overload);
    this.active.set(call, listeners);
    this.calls.opened(call);
    return call;
  }

  private drained(): Promise<void> {
    const { streamStallMs } = this.limits;
    return new Promise((resolve, reject) => {
      const settle = (error?: ServingError): void => {
        clearTimeout(timer);
        this.call.off('drain', onDrain);
        this.call.off('cancelled', onCancel);
        if (error === undefined) resolve();
        else reject(error);
      };
      const onDrain = (): void => settle();
      const onCancel = (): void => settle(cancelled());
      const timer = setTimeout(() => settle(stalled(streamStallMs)), streamStallMs);
      this.call.once('drain', onDrain);
      this.call.once('cancelled', onCancel);
    });
  }
}

const stalled = (milliseconds: number): ServingError =>
  new ServingError(
    'resource-exhausted',
    `the client took no reply for ${milliseconds} ms while more were waiting: read the stream, or send fewer requests`,
  );

/** What a reader that found nothing waits for. */
const WAKING = ['readable', 'end', 'close', 'cancelled', 'error'] as const;

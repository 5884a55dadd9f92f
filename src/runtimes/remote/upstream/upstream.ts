import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  type ClientOptions,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import type { ClientMethod } from '../../../protocol/grpc/codec/client-methods.js';
import type { CallLimits } from './call-limits.js';
import { RetryBudget } from './retries.js';
import { fromStatus } from './upstream-failure.js';

export interface UpstreamOptions {
  readonly name: string;
  /** As grpc-js takes it. */
  readonly target: string;
  readonly credentials: ChannelCredentials;
  readonly channels: number;
  readonly maxMessageBytes: number;
  /** The share of the calls that may be repeated, from 0 to 1. */
  readonly retryShare: number;
  /** How long a connection that failed waits at most before it is tried again. */
  readonly reconnectMs: number;
}

/** Another server of the protocol, with the connections to it that all its models share. */
export class Upstream {
  readonly name: string;
  /** How many calls to it may be repeated, over all its models. */
  readonly retryBudget: RetryBudget;
  private readonly clients: readonly Client[];
  private turn = 0;

  constructor({ name, target, credentials, channels, maxMessageBytes, retryShare, reconnectMs }: UpstreamOptions) {
    this.name = name;
    this.retryBudget = new RetryBudget(retryShare);
    const options: ClientOptions = {
      'grpc.max_receive_message_length': maxMessageBytes,
      'grpc.max_send_message_length': -1,
      // Channels of one process would otherwise share one connection to the same address.
      'grpc.use_local_subchannel_pool': 1,
      // Calls go to the configured address and nowhere else, by no other rules than those here.
      'grpc.enable_http_proxy': 0,
      'grpc.service_config_disable_resolution': 1,
      'grpc.initial_reconnect_backoff_ms': Math.min(FIRST_RECONNECT_MS, reconnectMs),
      'grpc.max_reconnect_backoff_ms': reconnectMs,
      'grpc.dns_min_time_between_resolutions_ms': reconnectMs,
    };
    this.clients = Array.from({ length: channels }, () => new Client(target, credentials, options));
  }

  /** Gives the bytes of the answer. Rejects with a `ServingError`, or with the reason of the signal. */
  call<Q>({ path, encode }: ClientMethod<Q, unknown>, message: Q, limits: CallLimits): Promise<Buffer> {
    const { signal } = limits;
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      let hasAnswered = false;
      const settle = (failure: ServiceError | null, bytes?: Buffer): void => {
        signal.removeEventListener('abort', abort);
        if (failure === null) resolve(bytes ?? NOTHING);
        else if (signal.aborted) reject(signal.reason as Error);
        else reject(fromStatus(this.name, failure, hasAnswered));
      };
      const metadata = metadataOf(limits);
      const call = this.client().makeUnaryRequest(path, encode, asItIs, message, metadata, optionsOf(limits), settle);
      const abort = (): void => call.cancel();
      call.on('metadata', () => (hasAnswered = true));
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  /**
   * Sends one message on a stream of its own, and gives the bytes of each answer as it is asked for; the upstream waits
   * meanwhile. Leaving the loop cancels the call. Throws as {@link call} rejects.
   */
  async *stream<Q>(
    { path, encode }: ClientMethod<Q, unknown>,
    message: Q,
    limits: CallLimits,
  ): AsyncGenerator<Buffer, void> {
    const { signal } = limits;
    signal.throwIfAborted();
    const metadata = metadataOf(limits);
    // Errors then come as a status, not as a text without a code.
    metadata.set('triton_grpc_error', 'true');
    const call: ClientDuplexStream<Q, Buffer> = this.client().makeBidiStreamRequest<Q, Buffer>(
      path,
      encode,
      asItIs,
      metadata,
      optionsOf(limits),
    );
    let hasAnswered = false;
    const abort = (): void => call.cancel();
    // What fails after the loop was left is of no interest.
    call.on('error', () => undefined);
    call.on('metadata', () => (hasAnswered = true));
    signal.addEventListener('abort', abort, { once: true });
    try {
      call.write(message);
      call.end();
      for await (const bytes of call) yield bytes as Buffer;
    } catch (failure) {
      if (signal.aborted) throw signal.reason;
      throw fromStatus(this.name, failure as ServiceError, hasAnswered);
    } finally {
      signal.removeEventListener('abort', abort);
      call.cancel();
    }
  }

  close(): void {
    for (const client of this.clients) client.close();
  }

  private client(): Client {
    const client = this.clients[this.turn++ % this.clients.length];
    if (client === undefined) throw new TypeError(`upstream '${this.name}' has no channels`);
    return client;
  }
}

const FIRST_RECONNECT_MS = 100;

const NOTHING = Buffer.alloc(0);

const asItIs = (bytes: Buffer): Buffer => bytes;

const optionsOf = ({ deadline }: CallLimits) => (Number.isFinite(deadline) ? { deadline } : {});

/** Printable ASCII without blanks: a caller chooses this text. */
const SANE_ID = /^[\x21-\x7e]{1,128}$/;

/** Nothing of the caller's own metadata goes on: credentials are meant for this server. */
function metadataOf({ requestId }: CallLimits): Metadata {
  const metadata = new Metadata();
  if (requestId !== undefined && SANE_ID.test(requestId)) metadata.set('x-request-id', requestId);
  return metadata;
}

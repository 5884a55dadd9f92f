import type { InferenceResponse } from '../../../core/inference/response.js';
import type { ServingError } from '../../../core/errors/serving-error.js';
import type { CallContext } from '../../call/call-context.js';
import type { ModelInferRequest } from '../messages.js';

/** One message of a stream of inferences: a call of its own, that ends with the stream at the latest. */
export interface StreamedRequest {
  readonly message: ModelInferRequest;
  readonly call: CallContext;
}

/**
 * How a stream speaks. Triton: any model for each message, replies with an error or a response. MLServer: one model for
 * all messages, bare responses, and an error ends the stream by its status.
 */
export const STREAM_DIALECTS = ['triton', 'mlserver'] as const;
export type StreamDialect = (typeof STREAM_DIALECTS)[number];

/** One reply on a stream: a response, or why a request failed, with what the client can match it by. */
export interface StreamReply {
  /** Empty for a success. */
  readonly error: string;
  readonly response: InferenceResponse;
}

/** Both ways of a stream of anything. */
export interface MessageStream {
  /** What comes, one by one; taking none makes the client wait. */
  readonly messages: AsyncIterable<unknown>;
  /** Resolves when the client's side has room for more; rejects when it takes nothing for too long, or is gone. */
  write(message: unknown): Promise<void>;
}

/** Both ways of a stream of inferences. */
export interface InferenceStream {
  readonly dialect: StreamDialect;
  /** The requests as they come; taking none makes the client wait. */
  readonly requests: AsyncIterable<StreamedRequest>;
  /**
   * Answers a request. Resolves when the client's side has room for more; rejects when it takes nothing for too long, or
   * is gone.
   */
  send(reply: StreamReply, request: ModelInferRequest): Promise<void>;
  /** Ends the call of one request, for the log. */
  finished(call: CallContext, error?: ServingError): void;
  /**
   * Tells the client of a request that failed: by the reply, or by ending the stream with the error's status where the
   * client asked for that, by its dialect or by itself, or takes no replies any more. Never rejects.
   */
  fail(error: ServingError, reply: StreamReply, request: ModelInferRequest): Promise<void>;
}

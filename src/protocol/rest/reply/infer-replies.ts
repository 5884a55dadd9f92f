import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { EncodedRequest } from '../../../core/inference/request.js';
import type { InferenceResponse } from '../../../core/inference/response.js';
import { invalidArgument } from '../../../core/errors/catalogue.js';
import { giveBuffer } from '../../large-buffers.js';
import { AS_JSON, RestCodec } from '../codec/rest-codec.js';
import { requestHeader } from '../request-header.js';
import { RestConfig } from '../rest.config.js';
import { chooseCoding } from './choose-coding.js';
import { compress } from './compress.js';
import { eventStream } from './event-stream.js';

type ReplyWishes = Pick<EncodedRequest, 'outputs' | 'parameters'>;

/** Writes the replies to inferences: as the request wants its outputs, compressed as the caller likes it. */
@Injectable()
export class InferReplies {
  constructor(
    private readonly codec: RestCodec,
    private readonly config: RestConfig,
  ) {}

  /** Sets the headers of the reply, and answers with its body. Errors are never compressed: clients cannot read them. */
  async write(
    reply: FastifyReply,
    request: ReplyWishes,
    response: InferenceResponse,
    call: { readonly signal: AbortSignal },
  ): Promise<Buffer | string> {
    const { headers, body } = await this.codec.encode(request, response, call);
    reply.headers(headers);
    if (typeof body !== 'string') reply.raw.once('finish', () => giveBuffer(body));
    if (!this.config.RESPONSE_COMPRESSION) return body;
    vary(reply);
    const coding = chooseCoding(requestHeader(reply.request.headers, 'accept-encoding'));
    if (coding === 'identity' || Buffer.byteLength(body) < this.config.RESPONSE_COMPRESSION_MIN_BYTES) return body;
    const packed = await compress(typeof body === 'string' ? Buffer.from(body, 'utf8') : body, coding);
    if (packed === undefined) return body;
    reply.header('content-encoding', coding);
    return packed;
  }

  /** Answers with an event for each response, in JSON. Throws `invalid-argument` where binary outputs are asked for. */
  async stream(
    reply: FastifyReply,
    request: ReplyWishes,
    responses: AsyncIterable<InferenceResponse>,
    call: { readonly signal: AbortSignal },
  ): Promise<Readable> {
    refuseBinary(request);
    return eventStream(reply, this.events(responses, call));
  }

  private async *events(
    responses: AsyncIterable<InferenceResponse>,
    call: { readonly signal: AbortSignal },
  ): AsyncGenerator<string, void> {
    for await (const response of responses) yield String((await this.codec.encode(AS_JSON, response, call)).body);
  }
}

function refuseBinary({ outputs, parameters }: ReplyWishes): void {
  const isAsked =
    parameters.get('binary_data_output') === true || outputs.some((output) => output.parameters.get('binary_data'));
  if (isAsked)
    throw invalidArgument('a stream of events has no binary outputs: leave binary_data and binary_data_output out');
}

/** Tells caches what the reply depends on, besides what CORS has said already. */
function vary(reply: FastifyReply): void {
  const others = reply.getHeader('vary');
  reply.header('vary', others === undefined ? 'accept-encoding' : `${String(others)}, accept-encoding`);
}

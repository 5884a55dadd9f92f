import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { EncodedRequest } from '../../../core/inference/request.js';
import type { InferenceResponse } from '../../../core/inference/response.js';
import { RestCodec } from '../codec/rest-codec.js';
import { requestHeader } from '../request-header.js';
import { RestConfig } from '../rest.config.js';
import { chooseCoding } from './choose-coding.js';
import { compress } from './compress.js';

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
    request: Pick<EncodedRequest, 'outputs' | 'parameters'>,
    response: InferenceResponse,
    call: { readonly signal: AbortSignal },
  ): Promise<Buffer | string> {
    const { headers, body } = await this.codec.encode(request, response, call);
    reply.headers(headers);
    if (!this.config.RESPONSE_COMPRESSION) return body;
    vary(reply);
    const coding = chooseCoding(requestHeader(reply.request.headers, 'accept-encoding'));
    if (coding === 'identity' || Buffer.byteLength(body) < this.config.RESPONSE_COMPRESSION_MIN_BYTES) return body;
    const packed = await compress(typeof body === 'string' ? Buffer.from(body, 'utf8') : body, coding);
    if (packed === undefined) return body;
    reply.header('content-encoding', coding);
    return packed;
  }
}

/** Tells caches what the reply depends on, besides what CORS has said already. */
function vary(reply: FastifyReply): void {
  const others = reply.getHeader('vary');
  reply.header('vary', others === undefined ? 'accept-encoding' : `${String(others)}, accept-encoding`);
}

import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { NO_PARAMETERS } from '../../../core/inference/parameters.js';
import type { EncodedRequest } from '../../../core/inference/request.js';
import { type InferenceResponse, PlacedOutput } from '../../../core/inference/response.js';
import { datatypeInfo, type NumberClass } from '../../../core/tensor/datatype.js';
import type { Tensor } from '../../../core/tensor/tensor.js';
import { decodeInferRequest, type InferRequestParts, jsonLengthOf } from './decode.js';
import { encodeInferResponse, type EncodedReply, wantsBinary } from './encode.js';
import { RestConfig } from '../rest.config.js';
import type { BodyReader, ReadBody } from './body-reader.js';
import { bodyRead, decodedRequest, decodeJob, encodedReply, encodeJob, readJob, writeJob } from './codec-jobs.js';
import type { ReplyWriter } from './reply-writer.js';
import { ThreadPool } from './thread-pool.js';

type ReplyWishes = Pick<EncodedRequest, 'outputs' | 'parameters'>;

/** Those of a reply that is JSON alone. */
export const AS_JSON: ReplyWishes = { outputs: [], parameters: NO_PARAMETERS };

/** A thread cannot be started from TypeScript; where the sources run as they are, all work stays in this one. */
const RUNS_BUILT = import.meta.url.endsWith('.js');

/** Reads requests and writes replies: small ones at once, those with large JSON in another thread. */
@Injectable()
export class RestCodec implements OnApplicationShutdown {
  private readonly threads: ThreadPool | undefined;

  constructor(private readonly config: RestConfig) {
    const { JSON_THREADS: size } = config;
    if (RUNS_BUILT && size > 0) this.threads = new ThreadPool(new URL('codec-thread.js', import.meta.url), size);
  }

  /** Throws as {@link decodeInferRequest} does; a promise only where another thread reads the request. */
  decode(parts: InferRequestParts, call: { readonly signal: AbortSignal }): EncodedRequest | Promise<EncodedRequest> {
    if (this.threads === undefined || !this.isLarge(parts.body.length) || !this.isLarge(jsonLengthOf(parts))) {
      return decodeInferRequest(parts);
    }
    return this.threads.run(decodeJob(parts), call.signal).then(decodedRequest);
  }

  /** Reads a body that is no inference request as REST has them; in another thread where it is large. */
  read<Target, Read extends ReadBody>(
    reader: BodyReader<Target, Read>,
    parts: InferRequestParts,
    target: Target,
    call: { readonly signal: AbortSignal },
  ): Read | Promise<Read> {
    if (this.threads === undefined || !this.isLarge(parts.body.length)) return reader.readBody(parts, target);
    return this.threads
      .run(readJob(reader.module, parts, target), call.signal)
      .then((result) => bodyRead(result) as Read);
  }

  /** Throws as {@link encodeInferResponse} does; a promise only where another thread writes the reply. */
  encode(
    request: ReplyWishes,
    response: InferenceResponse,
    call: { readonly signal: AbortSignal },
  ): EncodedReply | Promise<EncodedReply> {
    const nonFinite = this.config.JSON_NON_FINITE;
    if (this.threads === undefined || !this.isLarge(jsonSize(request, response))) {
      return encodeInferResponse(request, response, nonFinite);
    }
    return this.threads.run(encodeJob(request, response, nonFinite), call.signal).then(encodedReply);
  }

  /** Writes a reply that is none to an inference request; in another thread where it is large. */
  write(
    writer: ReplyWriter,
    response: InferenceResponse,
    call: { readonly signal: AbortSignal },
  ): string | Promise<Buffer | string> {
    const nonFinite = this.config.JSON_NON_FINITE;
    if (this.threads === undefined || !this.isLarge(jsonSize(AS_JSON, response))) {
      return writer.writeReply(response, nonFinite);
    }
    return this.threads
      .run(writeJob(writer.module, response, nonFinite), call.signal)
      .then((result) => encodedReply(result).body);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.threads?.close();
  }

  private isLarge(bytes: number): boolean {
    return bytes > this.config.JSON_OFFLOAD_BYTES;
  }
}

/** About how many characters an element takes, with its comma. */
const CHARACTERS: Readonly<Record<Exclude<NumberClass, 'text'>, number>> = {
  boolean: 6,
  integer: 6,
  'big-integer': 12,
  float: 18,
  half: 0,
};

/** About how large the JSON of a reply becomes. */
function jsonSize(request: ReplyWishes, { outputs }: InferenceResponse): number {
  let size = 0;
  for (const output of outputs) {
    if (!(output instanceof PlacedOutput) && !wantsBinary(request, output.name)) size += dataSize(output.tensor);
  }
  return size;
}

function dataSize({ datatype, data }: Tensor): number {
  const { numbers } = datatypeInfo(datatype);
  if (numbers !== 'text') return data.length * CHARACTERS[numbers];
  return (data as readonly Buffer[]).reduce((size, { byteLength }) => size + byteLength + 3, 0);
}

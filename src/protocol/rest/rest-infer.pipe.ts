import { Injectable, type PipeTransform } from '@nestjs/common';
import type { EncodedRequest } from '../../core/inference/request.js';
import type { CallContext } from '../call/call-context.js';
import { withForwarded } from '../call/header-forwarding.js';
import type { Received } from '../call/received.js';
import { RestCodec } from './codec/rest-codec.js';
import type { InferRequestParts } from './codec/decode.js';

/** An inference request as it came, and the call that brought it. */
export interface ReceivedInference {
  readonly parts: InferRequestParts;
  readonly call: CallContext;
}

/** Reads the body of an inference request, and charges the caller for what is in it. */
@Injectable()
export class RestInferPipe implements PipeTransform<ReceivedInference, MaybeLater<Received<EncodedRequest>>> {
  constructor(private readonly codec: RestCodec) {}

  /** Waits only where another thread reads the body, or charging takes a while. */
  transform({ parts, call }: ReceivedInference): MaybeLater<Received<EncodedRequest>> {
    const request = this.codec.decode(parts, call);
    return request instanceof Promise ? request.then((decoded) => charge(decoded, call)) : charge(request, call);
  }
}

type MaybeLater<T> = T | Promise<T>;

/** Charges the caller for a request, which also names the call where nothing else does, and takes what headers give it. */
export function charge(decoded: EncodedRequest, call: CallContext): MaybeLater<Received<EncodedRequest>> {
  const request = withForwarded(decoded, call);
  call.adoptRequestId(request.id);
  const charging = call.onInference?.(request);
  const received = { request, call };
  return charging instanceof Promise ? charging.then(() => received) : received;
}

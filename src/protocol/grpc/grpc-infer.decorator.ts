import { createParamDecorator, type PipeTransform, type Type } from '@nestjs/common';
import type { EncodedRequest } from '../../core/inference/request.js';
import { callOf } from '../call/call-context.js';
import { withForwarded } from '../call/header-forwarding.js';
import type { Received } from '../call/received.js';
import { decodeInferRequest } from './decode.js';
import type { ModelInferRequest } from './messages.js';

const ReceivedInference = createParamDecorator((_: unknown, context): Charged => {
  const call = callOf(context);
  const request = withForwarded(decodeInferRequest(context.getArgByIndex<ModelInferRequest>(0)), call);
  const charging = call.onInference?.(request);
  const received = { request, call };
  return charging instanceof Promise ? charging.then(() => received) : received;
});

/** Waits only where charging takes a while. */
type Charged = Received<EncodedRequest> | Promise<Received<EncodedRequest>>;

/**
 * Injects the `EncodedRequest` of a ModelInfer rpc, with its call. The arguments are the pipes that it then goes through.
 *
 * @example
 * \@GrpcMethod('GRPCInferenceService', 'ModelInfer')
 * modelInfer(@GrpcInferRequest(TensorPipe) { request, call }: Received<InferenceRequest>) {}
 */
export const GrpcInferRequest = (...pipes: readonly (Type<PipeTransform> | PipeTransform)[]): ParameterDecorator =>
  ReceivedInference(undefined, ...pipes);

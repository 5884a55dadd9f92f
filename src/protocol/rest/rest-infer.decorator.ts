import { createParamDecorator, type PipeTransform, type Type } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { callOf } from '../call/call-context.js';
import { HEADER_LENGTH_HEADER, requestHeader } from './request-header.js';
import { type ReceivedInference, RestInferPipe } from './rest-infer.pipe.js';

type InferRoute = FastifyRequest<{ Params: { readonly model: string; readonly version?: string } }>;

/** Injects what came for an inference, unread, and the call that brought it. */
export const Received = createParamDecorator((_: unknown, context): ReceivedInference => {
  const { params, headers, body } = context.getArgByIndex<InferRoute>(0);
  const { model, version = '' } = params;
  return {
    call: callOf(context),
    parts: {
      model,
      version,
      headerLength: requestHeader(headers, HEADER_LENGTH_HEADER),
      body: Buffer.isBuffer(body) ? body : Buffer.alloc(0),
    },
  };
});

/**
 * Injects the `EncodedRequest`, with its call, of a route with the parameters `model` and, optionally, `version`.
 *
 * Runs after the guards: a caller who may not enter costs no parsing. The arguments are the pipes that the request
 * then goes through. The controller's module imports the `ProtocolModule`.
 *
 * @example
 * \@Post('v2/models/:model/infer')
 * infer(@RestInferRequest(TensorPipe) { request, call }: Received<InferenceRequest>) {}
 */
export const RestInferRequest = (...pipes: readonly (Type<PipeTransform> | PipeTransform)[]): ParameterDecorator =>
  Received(RestInferPipe, ...pipes);

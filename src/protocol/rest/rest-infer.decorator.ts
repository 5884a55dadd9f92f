import { createParamDecorator } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { EncodedRequest } from '../../core/inference/request.js';
import { callOf } from '../call/call-context.js';
import { decodeInferRequest } from './decode.js';
import { HEADER_LENGTH_HEADER } from './encode.js';

type InferRoute = FastifyRequest<{ Params: { readonly model: string; readonly version?: string } }>;

/**
 * Injects the {@link EncodedRequest} of a route with the parameters `model` and, optionally, `version`.
 *
 * Runs after the guards: a caller who may not enter costs no parsing. The arguments are the pipes that the request
 * then goes through.
 *
 * @example
 * \@Post('v2/models/:model/infer')
 * infer(@RestInferRequest(TensorPipe) request: InferenceRequest) {}
 */
export const RestInferRequest = createParamDecorator(
  (_: unknown, context): EncodedRequest | Promise<EncodedRequest> => {
    const { params, headers, body } = context.switchToHttp().getRequest<InferRoute>();
    const { model, version = '' } = params;
    const headerLength = headers[HEADER_LENGTH_HEADER];
    const request = decodeInferRequest({
      model,
      version,
      headerLength: typeof headerLength === 'string' ? headerLength : undefined,
      body: Buffer.isBuffer(body) ? body : Buffer.alloc(0),
    });
    const call = callOf(context);
    call.adoptRequestId(request.id);
    const charging = call.onInference?.(request.inputs[0]?.shape[0] ?? 1);
    return charging === undefined ? request : charging.then(() => request);
  },
);

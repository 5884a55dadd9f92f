import type { ContentWishes } from '../../core/inference/request.js';
import type { InferenceResponse, OutputTensor } from '../../core/inference/response.js';
import type { ServedModel } from '../../core/inference/served-model.js';
import type { Exchange, InferenceStage } from '../../core/inference/stage.js';
import { Tensor } from '../../core/tensor/tensor.js';
import { CONTENT_TYPE } from './decode-content.js';

/** Gives callers from outside the outputs of a model in its content types; models that call it get them as they are. */
export class ContentTypeStage implements InferenceStage {
  run(exchange: Exchange, next: (exchange: Exchange) => Promise<InferenceResponse>): Promise<InferenceResponse> {
    const { model, request } = exchange;
    const { content } = request;
    const answered = next(exchange);
    return content === undefined ? answered : answered.then((response) => encode(model, response, content));
  }

  stream(
    exchange: Exchange,
    next: (exchange: Exchange) => AsyncIterable<InferenceResponse>,
  ): AsyncIterable<InferenceResponse> {
    const { model, request } = exchange;
    const answers = next(exchange);
    return request.content === undefined ? answers : encodeAll(model, answers, request.content);
  }
}

async function* encodeAll(
  model: ServedModel,
  responses: AsyncIterable<InferenceResponse>,
  content: ContentWishes,
): AsyncGenerator<InferenceResponse, void> {
  for await (const response of responses) yield encode(model, response, content);
}

function encode(
  { outputs, contentType }: ServedModel,
  response: InferenceResponse,
  { isTold }: ContentWishes,
): InferenceResponse {
  const encoded = response.outputs.map((output): OutputTensor => {
    const declared = outputs.find(({ name }) => name === output.name)?.contentType;
    if (declared === undefined) return output;
    const tensor =
      declared === 'base64' && output.tensor.datatype === 'BYTES' ? toBase64(output.tensor) : output.tensor;
    return { name: output.name, tensor, contentType: isTold ? declared : undefined };
  });
  const parameters =
    isTold && contentType !== undefined
      ? new Map(response.parameters).set(CONTENT_TYPE, contentType)
      : response.parameters;
  return { ...response, parameters, outputs: encoded };
}

const toBase64 = (tensor: Tensor): Tensor =>
  new Tensor(
    'BYTES',
    tensor.shape,
    (tensor.data as readonly Buffer[]).map((element) => Buffer.from(element.toString('base64'), 'latin1')),
  );

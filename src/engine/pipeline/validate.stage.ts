import type { Exchange, InferenceStage } from '../../core/inference/stage.js';
import type { InferenceResponse } from '../../core/inference/response.js';
import type { Tensor } from '../../core/tensor/tensor.js';
import { checkBatchSize, checkInput, checkInputNames, checkRequestedOutputs } from './validate.js';

/**
 * Holds the tensors of callers inside the server (models, ensembles) against the signature. What came over a wire
 * was checked while it was decoded, unless the model was replaced since.
 */
export class ValidateStage implements InferenceStage {
  run(exchange: Exchange, next: (exchange: Exchange) => Promise<InferenceResponse>): Promise<InferenceResponse> {
    validate(exchange);
    return next(exchange);
  }

  stream(
    exchange: Exchange,
    next: (exchange: Exchange) => AsyncIterable<InferenceResponse>,
  ): AsyncIterable<InferenceResponse> {
    validate(exchange);
    return next(exchange);
  }
}

function validate({ model, request }: Exchange): void {
  if (request.checkedAgainst === model.inputs) return;
  checkInputNames(model, Object.keys(request.inputs));
  checkRequestedOutputs(model, request.outputs);
  checkBatchSize(
    model,
    Object.entries(request.inputs as Readonly<Record<string, Tensor | undefined>>).flatMap(([name, tensor]) =>
      tensor === undefined ? [] : [[name, tensor.shape] as const],
    ),
  );
  for (const spec of model.inputs) {
    const tensor = request.inputs[spec.name];
    if (tensor !== undefined) checkInput(model.name, spec, tensor.datatype, tensor.shape);
  }
}

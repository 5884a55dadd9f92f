import { Injectable } from '@nestjs/common';
import type { RequestedOutput } from '../../core/inference/request.js';
import type { InferenceResponse, OutputTensor } from '../../core/inference/response.js';
import type { Exchange, InferenceStage } from '../../core/inference/stage.js';
import { ClassificationSlot } from '../../engine/pipeline/stage-slot.js';
import { CLASSIFICATION, classCount, refuseUnclassifiable } from './class-count.js';
import { classify } from './classify.js';

/** Turns the outputs that a request wants classified into the texts of their largest values. */
@Injectable()
export class ClassificationStage implements InferenceStage {
  constructor(slot: ClassificationSlot) {
    slot.fill(this);
  }

  run(exchange: Exchange, next: (exchange: Exchange) => Promise<InferenceResponse>): Promise<InferenceResponse> {
    return isWanted(exchange) ? this.runClassified(exchange, next) : next(exchange);
  }

  stream(
    exchange: Exchange,
    next: (exchange: Exchange) => AsyncIterable<InferenceResponse>,
  ): AsyncIterable<InferenceResponse> {
    return isWanted(exchange) ? this.streamClassified(exchange, next) : next(exchange);
  }

  private async runClassified(
    exchange: Exchange,
    next: (exchange: Exchange) => Promise<InferenceResponse>,
  ): Promise<InferenceResponse> {
    const wanted = classCounts(exchange);
    return classifyAll(exchange, wanted, await next(withoutWish(exchange)));
  }

  private async *streamClassified(
    exchange: Exchange,
    next: (exchange: Exchange) => AsyncIterable<InferenceResponse>,
  ): AsyncGenerator<InferenceResponse, void> {
    const wanted = classCounts(exchange);
    for await (const response of next(withoutWish(exchange))) yield await classifyAll(exchange, wanted, response);
  }
}

function isWanted({ request: { outputs } }: Exchange): boolean {
  for (const { parameters } of outputs) if (parameters.size > 0 && parameters.has(CLASSIFICATION)) return true;
  return false;
}

/** How many classes are wanted of which output. Throws before the model runs where an output cannot have any. */
function classCounts({ model, request }: Exchange): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const output of request.outputs) {
    const count = classCount(output);
    if (count === undefined) continue;
    const spec = model.outputs.find(({ name }) => name === output.name);
    if (spec !== undefined) refuseUnclassifiable(spec);
    counts.set(output.name, count);
  }
  return counts;
}

/** What becomes of the outputs says nothing of how they are made: a response that is kept serves both. */
function withoutWish(exchange: Exchange): Exchange {
  const outputs = exchange.request.outputs.map((output): RequestedOutput => {
    const parameters = new Map(output.parameters);
    return parameters.delete(CLASSIFICATION) ? { ...output, parameters } : output;
  });
  return { ...exchange, request: { ...exchange.request, outputs } };
}

async function classifyAll(
  { model, call }: Exchange,
  wanted: ReadonlyMap<string, number>,
  response: InferenceResponse,
): Promise<InferenceResponse> {
  const outputs: OutputTensor[] = [];
  for (const output of response.outputs) {
    const count = wanted.get(output.name);
    const labels = model.outputs.find(({ name }) => name === output.name)?.labels;
    const hasBatchDimension = model.maxBatchSize > 0;
    outputs.push(
      count === undefined
        ? output
        : { name: output.name, tensor: await classify(output, { count, labels, hasBatchDimension, call }) },
    );
  }
  return { ...response, outputs };
}

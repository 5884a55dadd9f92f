import { Inject, Injectable } from '@nestjs/common';
import type { InferenceCall } from '../../core/inference/call.js';
import type { InferenceRequest } from '../../core/inference/request.js';
import type { InferenceResponse } from '../../core/inference/response.js';
import type { Exchange, InferenceStage } from '../../core/inference/stage.js';
import { ModelRegistry } from '../registry/model-registry.js';
import { schedule, scheduleStream } from './schedule.js';
import { SharedTensorPort } from './shared-tensors.js';

/** The order of the stages between a decoded request and the scheduler; `app.module.ts` lists them. */
export const PIPELINE_STAGES = Symbol('pipeline stages');

type Step = (exchange: Exchange) => Promise<InferenceResponse>;
type StreamStep = (exchange: Exchange) => AsyncIterable<InferenceResponse>;

/** What every inference goes through, whoever asked: the stages in order, then the model's scheduler. */
@Injectable()
export class InferencePipeline {
  private readonly enter: Step;
  private readonly enterStream: StreamStep;

  constructor(
    private readonly registry: ModelRegistry,
    @Inject(PIPELINE_STAGES) stages: readonly InferenceStage[],
    private readonly shared: SharedTensorPort = new SharedTensorPort(),
  ) {
    this.enter = stages.reduceRight<Step>((next, stage) => (exchange) => stage.run(exchange, next), schedule);
    this.enterStream = stages.reduceRight<StreamStep>(
      (next, stage) => (exchange) => stage.stream?.(exchange, next) ?? next(exchange),
      scheduleStream,
    );
  }

  /** Answers a request for a model that gives one response. Throws a `ServingError`, or what a stage threw. */
  run(request: InferenceRequest, call: InferenceCall): Promise<InferenceResponse> {
    try {
      const exchange = { model: this.registry.resolve(request.model, request.version), request, call };
      if (request.shared === undefined) return this.enter(exchange);
      return this.shared.run(exchange, request.shared, this.enter);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  /**
   * Answers a request for a decoupled model, response by response, at the pace at which they are taken. Throws as
   * {@link run} does, at once or while the responses are taken.
   */
  stream(request: InferenceRequest, call: InferenceCall): AsyncIterable<InferenceResponse> {
    const exchange = { model: this.registry.resolve(request.model, request.version), request, call };
    if (request.shared === undefined) return this.enterStream(exchange);
    return this.shared.stream(exchange, request.shared, this.enterStream);
  }

  /** The responses of a model of either kind: the one, or those of a decoupled model as {@link stream} gives them. */
  async *responses(request: InferenceRequest, call: InferenceCall): AsyncGenerator<InferenceResponse, void> {
    if (this.registry.resolve(request.model, request.version).decoupled) yield* this.stream(request, call);
    else yield await this.run(request, call);
  }
}

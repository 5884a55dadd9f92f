import { Inject, Injectable } from '@nestjs/common';
import { cancelled, toServingError } from '../../core/errors/catalogue.js';
import type { InferenceCall } from '../../core/inference/call.js';
import { type InferenceObserver, ObservedInference } from '../../core/inference/inference-observer.js';
import type { InferenceRequest } from '../../core/inference/request.js';
import type { InferenceResponse } from '../../core/inference/response.js';
import type { Exchange, InferenceStage } from '../../core/inference/stage.js';
import { ModelRegistry } from '../registry/model-registry.js';
import { InferenceObservers } from './inference-observers.js';
import { rowsOf } from './rows-of.js';
import { schedule, scheduleStream } from './schedule.js';
import { SharedTensorPort } from './shared-tensors.js';

/** The order of the stages between a decoded request and the scheduler; `app.module.ts` lists them. */
export const PIPELINE_STAGES = Symbol('pipeline stages');

/** Whom inferences are reported to, if anybody. */
interface Observed {
  readonly observer?: InferenceObserver | undefined;
}

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
    @Inject(InferenceObservers) private readonly observers: Observed = {},
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
      const { observer } = this.observers;
      return observer === undefined ? this.answer(exchange) : this.runObserved(observer, exchange);
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
    const { observer } = this.observers;
    return observer === undefined ? this.answers(exchange) : this.streamObserved(observer, exchange);
  }

  private answer(exchange: Exchange): Promise<InferenceResponse> {
    const { shared } = exchange.request;
    return shared === undefined ? this.enter(exchange) : this.shared.run(exchange, shared, this.enter);
  }

  private answers(exchange: Exchange): AsyncIterable<InferenceResponse> {
    const { shared } = exchange.request;
    return shared === undefined ? this.enterStream(exchange) : this.shared.stream(exchange, shared, this.enterStream);
  }

  private async runObserved(observer: InferenceObserver, exchange: Exchange): Promise<InferenceResponse> {
    const observed = observe(observer, exchange);
    try {
      const response = await this.answer(exchange);
      observed.response = response;
      return response;
    } catch (failure) {
      observed.failure = toServingError(failure);
      throw failure;
    } finally {
      finish(observed);
    }
  }

  private async *streamObserved(
    observer: InferenceObserver,
    exchange: Exchange,
  ): AsyncGenerator<InferenceResponse, void> {
    const observed = observe(observer, exchange);
    // Holds where whoever takes the responses stops before their end.
    observed.failure = cancelled();
    try {
      yield* this.answers(exchange);
      observed.failure = undefined;
    } catch (failure) {
      observed.failure = toServingError(failure);
      throw failure;
    } finally {
      finish(observed);
    }
  }

  /** The responses of a model of either kind: the one, or those of a decoupled model as {@link stream} gives them. */
  async *responses(request: InferenceRequest, call: InferenceCall): AsyncGenerator<InferenceResponse, void> {
    if (this.registry.resolve(request.model, request.version).decoupled) yield* this.stream(request, call);
    else yield await this.run(request, call);
  }
}

function observe(observer: InferenceObserver, { model, request, call }: Exchange): ObservedInference {
  const observed = new ObservedInference(observer, model, request, rowsOf(model, request), performance.now());
  call.timings.observed = observed;
  observer.started?.(observed, call);
  return observed;
}

function finish(observed: ObservedInference): void {
  observed.end = performance.now();
  observed.observer.finished(observed);
}

import { Injectable } from '@nestjs/common';
import type { InferenceCall } from '../../core/inference/call.js';
import type { ObservedInference } from '../../core/inference/inference-observer.js';
import type { InferenceRequest } from '../../core/inference/request.js';
import type { InferenceResponse } from '../../core/inference/response.js';
import type { ServedModel } from '../../core/inference/served-model.js';
import type { Exchange, InferenceStage } from '../../core/inference/stage.js';
import { ModelRegistry } from '../registry/model-registry.js';
import { give, keep, keptBytes } from './kept-response.js';
import { requestKey } from './request-key.js';
import { ResponseCache } from './response-cache.js';

/**
 * Answers a request as the same one was answered before, for the models that ask for it. Their answers go to whoever
 * sends the same request, so they are never told who asks. Requests that come while the first of their kind runs, run too.
 */
@Injectable()
export class CacheStage implements InferenceStage {
  /** The models that may have entries. */
  private readonly kept = new Set<ServedModel>();

  constructor(
    private readonly cache: ResponseCache,
    private readonly registry: ModelRegistry,
  ) {
    registry.onChange(() => this.dropReplaced());
  }

  run(exchange: Exchange, next: (exchange: Exchange) => Promise<InferenceResponse>): Promise<InferenceResponse> {
    if (!exchange.model.isCached) return next(exchange);
    const anonymous = withoutPrincipal(exchange);
    if (this.cache.maxBytes === 0 || belongsToSequence(exchange.request)) return next(anonymous);
    return this.lookUp(anonymous, next);
  }

  /** What gives any number of responses is not kept. */
  stream(
    exchange: Exchange,
    next: (exchange: Exchange) => AsyncIterable<InferenceResponse>,
  ): AsyncIterable<InferenceResponse> {
    return next(exchange.model.isCached ? withoutPrincipal(exchange) : exchange);
  }

  private async lookUp(
    exchange: Exchange,
    next: (exchange: Exchange) => Promise<InferenceResponse>,
  ): Promise<InferenceResponse> {
    const { model, request } = exchange;
    const { observed } = exchange.call.timings;
    const asked = observed === undefined ? 0 : performance.now();
    // Before the model runs, which could write into its inputs.
    const key = requestKey(request);
    const known = this.cache.get(model, key);
    const kept = known && give(known, request.id);
    if (observed !== undefined) noteLookUp(observed, kept === undefined ? 'miss' : 'hit', asked);
    if (kept !== undefined) return kept;
    const response = await next(exchange);
    const answered = observed === undefined ? 0 : performance.now();
    this.keep(model, key, response);
    if (observed !== undefined) noteLookUp(observed, 'miss', answered);
    return response;
  }

  private keep(model: ServedModel, key: string, response: InferenceResponse): void {
    if (keptBytes(response) > this.cache.maxBytes || !this.isServed(model)) return;
    this.kept.add(model);
    this.cache.set(model, key, keep(response));
  }

  private dropReplaced(): void {
    for (const model of this.kept) {
      if (this.isServed(model)) continue;
      this.kept.delete(model);
      this.cache.drop(model);
    }
  }

  /** A model that was replaced still finishes requests; nobody would ask for their answers again. */
  private isServed(model: ServedModel): boolean {
    const versions = this.registry.versionsOf(model.name);
    return versions?.some(({ handle }) => handle === model) ?? false;
  }
}

function noteLookUp(observed: ObservedInference, outcome: 'hit' | 'miss', since: number): void {
  observed.cache = outcome;
  observed.cacheMs += performance.now() - since;
}

const belongsToSequence = ({ parameters }: InferenceRequest): boolean => parameters.has('sequence_id');

const withoutPrincipal = (exchange: Exchange): Exchange => ({ ...exchange, call: new AnonymousCall(exchange.call) });

/** A call that does not tell for whom it is made. */
class AnonymousCall implements InferenceCall {
  readonly principal = undefined;

  constructor(private readonly call: InferenceCall) {}

  get requestId(): string {
    return this.call.requestId;
  }

  get signal(): AbortSignal {
    return this.call.signal;
  }

  get departures(): InferenceCall['departures'] {
    return this.call.departures;
  }

  get deadline(): number {
    return this.call.deadline;
  }

  get timings(): InferenceCall['timings'] {
    return this.call.timings;
  }
}

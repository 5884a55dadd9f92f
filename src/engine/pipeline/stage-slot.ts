import { Injectable } from '@nestjs/common';
import type { InferenceResponse } from '../../core/inference/response.js';
import type { Exchange, InferenceStage } from '../../core/inference/stage.js';

/** A place in the pipeline for the stage of an extension, where `app.module.ts` lists it; without the stage all pass. */
export abstract class StageSlot implements InferenceStage {
  private stage: InferenceStage | undefined;

  /** Called by the stage itself, when it is made. */
  fill(stage: InferenceStage): void {
    this.stage = stage;
  }

  run(exchange: Exchange, next: (exchange: Exchange) => Promise<InferenceResponse>): Promise<InferenceResponse> {
    return this.stage === undefined ? next(exchange) : this.stage.run(exchange, next);
  }

  stream(
    exchange: Exchange,
    next: (exchange: Exchange) => AsyncIterable<InferenceResponse>,
  ): AsyncIterable<InferenceResponse> {
    return this.stage?.stream?.(exchange, next) ?? next(exchange);
  }
}

/** Where outputs become classes: responses are kept before that. */
@Injectable()
export class ClassificationSlot extends StageSlot {}

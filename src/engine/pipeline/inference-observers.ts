import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import {
  type Execution,
  InferenceObserver,
  type ObservedInference,
  type ObservedResponse,
} from '../../core/inference/inference-observer.js';

/** Tells every observer among the providers; one that throws is logged, and harms neither request nor the others. */
@Injectable()
export class InferenceObservers implements OnModuleInit {
  /** Whom the engine reports to; `undefined` where nobody observes. */
  observer: InferenceObserver | undefined;

  constructor(private readonly discovery: DiscoveryService) {}

  onModuleInit(): void {
    const found = this.discovery.getProviders().map(({ instance }) => instance as unknown);
    const observers = new Set(found.filter((instance) => instance instanceof InferenceObserver));
    if (observers.size > 0) this.observer = new Everyone([...observers]);
  }
}

class Everyone extends InferenceObserver {
  private readonly logger = new Logger('InferenceObservers');

  constructor(private readonly observers: readonly InferenceObserver[]) {
    super();
  }

  executed(execution: Execution): void {
    for (const observer of this.observers) {
      try {
        observer.executed(execution);
      } catch (failure) {
        this.report(observer, failure);
      }
    }
  }

  responded(response: ObservedResponse): void {
    for (const observer of this.observers) {
      try {
        observer.responded(response);
      } catch (failure) {
        this.report(observer, failure);
      }
    }
  }

  finished(inference: ObservedInference): void {
    for (const observer of this.observers) {
      try {
        observer.finished(inference);
      } catch (failure) {
        this.report(observer, failure);
      }
    }
  }

  private report(observer: InferenceObserver, failure: unknown): void {
    this.logger.error({ message: `${observer.constructor.name} failed to take note of an inference` }, failure);
  }
}

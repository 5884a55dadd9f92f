import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import {
  type Execution,
  InferenceObserver,
  type ObservedCall,
  type ObservedInference,
  type ObservedResponse,
} from '../../core/inference/inference-observer.js';

/** Tells every observer among the providers; one that throws is logged, and harms neither request nor the others. */
@Injectable()
export class InferenceObservers implements OnModuleInit {
  /** Whom the engine reports to; `undefined` where nobody observes. */
  observer: InferenceObserver | undefined;
  private readonly observers = new Set<InferenceObserver>();

  constructor(private readonly discovery: DiscoveryService) {}

  onModuleInit(): void {
    for (const { instance } of this.discovery.getProviders()) {
      if (instance instanceof InferenceObserver) this.observers.add(instance);
    }
    this.changed();
  }

  /** Reports to one more observer, which is no provider, from the next request on. */
  add(observer: InferenceObserver): void {
    if (this.observers.has(observer)) return;
    this.observers.add(observer);
    this.changed();
  }

  /** Ends that; requests that run already are told to their end. */
  remove(observer: InferenceObserver): void {
    if (this.observers.delete(observer)) this.changed();
  }

  private changed(): void {
    this.observer = this.observers.size > 0 ? new Everyone([...this.observers]) : undefined;
  }
}

class Everyone extends InferenceObserver {
  declare readonly started?: NonNullable<InferenceObserver['started']>;
  private readonly logger = new Logger('InferenceObservers');

  constructor(private readonly observers: readonly InferenceObserver[]) {
    super();
    const early = observers.filter((observer) => observer.started !== undefined);
    if (early.length > 0) this.started = (inference, call) => this.tellStarted(early, inference, call);
  }

  private tellStarted(observers: readonly InferenceObserver[], inference: ObservedInference, call: ObservedCall): void {
    for (const observer of observers) {
      try {
        observer.started?.(inference, call);
      } catch (failure) {
        this.report(observer, failure);
      }
    }
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

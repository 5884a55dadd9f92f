import { Injectable } from '@nestjs/common';
import { distinctUntilChanged, map, Observable } from 'rxjs';
import { Readiness } from '../engine/lifecycle/readiness.js';
import { ModelRegistry } from '../engine/registry/model-registry.js';

/** Whether the server and its models are live and ready, for both wires. */
@Injectable()
export class HealthService {
  constructor(
    private readonly readiness: Readiness,
    private readonly registry: ModelRegistry,
  ) {}

  /** Every model that was asked for is ready, and the server is not draining. */
  get ready(): boolean {
    return this.readiness.ready;
  }

  /** The current readiness, then each change of it. */
  readonly readyChanges: Observable<boolean> = new Observable<void>((subscriber) => {
    subscriber.next();
    return this.readiness.onChange(() => subscriber.next());
  }).pipe(
    map(() => this.ready),
    distinctUntilChanged(),
  );

  /** Whether a request for this model would be served; an empty version is the default one. */
  isModelReady(name: string, version: string): boolean {
    return this.registry.isReady(name, version);
  }

  /** Whether the model, or this version of it, was ever loaded. */
  isModelKnown(name: string, version: string): boolean {
    const versions = this.registry.versionsOf(name);
    return versions !== undefined && (version === '' || versions.some((known) => known.version === version));
  }
}

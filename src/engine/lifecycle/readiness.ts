import { Injectable } from '@nestjs/common';
import { ModelRegistry } from '../registry/model-registry.js';

/**
 * Whether the server is ready: it has begun to load, every model that was asked for is ready, and it is not
 * draining. A model that was unloaded on request is no longer asked for.
 */
@Injectable()
export class Readiness {
  private required: Set<string> | undefined;
  private waitsForFirst = false;
  private draining = false;
  private readonly listeners = new Set<() => void>();

  constructor(private readonly registry: ModelRegistry) {
    registry.onChange(() => this.changed());
  }

  get ready(): boolean {
    return (
      !this.draining &&
      !this.waitsForFirst &&
      this.required !== undefined &&
      [...this.required].every((name) => this.registry.isReady(name))
    );
  }

  /** The server takes new work until it drains. */
  get accepting(): boolean {
    return !this.draining;
  }

  /**
   * Starts with the models that the server was told to load; before this call it is not ready.
   * Told to load everything where there is nothing, it waits for a first model, unless that is allowed.
   */
  begin(names: Iterable<string>, mayBeEmpty: boolean): void {
    this.required = new Set(names);
    this.waitsForFirst = this.required.size === 0 && !mayBeEmpty;
    this.changed();
  }

  require(name: string): void {
    this.required?.add(name);
    this.waitsForFirst = false;
    this.changed();
  }

  release(name: string): void {
    this.required?.delete(name);
    this.changed();
  }

  drain(): void {
    this.draining = true;
    this.changed();
  }

  /** Calls the listener whenever readiness, or any model's state, may have changed. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }
}
